"""Join the small style sheets and scripts into the two files a page loads: `python tools/bundle.py`."""

import re
from pathlib import Path

STATIC = Path(__file__).resolve().parent.parent / "qtrace" / "static"
STYLES = [
    "tokens",
    "base",
    "shell",
    "layout",
    "button",
    "card",
    "filters",
    "form",
    "conditions",
    "scan",
    "table",
    "story",
    "figures",
    "overlay",
    "print",
]
SCRIPTS = ["page", "theme", "toast", "confirm", "pending", "lists", "keys", "scan", "condition-builder"]


def main() -> None:
    """Write css/app.css and js/app.js."""
    for path, content in bundles().items():
        (STATIC / path).write_text(content, "utf-8")
        print(f"{path}: {len(content.encode())} bytes")


def bundles() -> dict[str, str]:
    """Return the content of the joined files by their path under qtrace/static."""
    pico = next((STATIC / "vendor").glob("pico-base-*.css")).read_text("utf-8")
    styles = [(STATIC / "css" / "parts" / f"{name}.css").read_text("utf-8") for name in STYLES]
    scripts = [(STATIC / "js" / "parts" / f"{name}.js").read_text("utf-8").strip() for name in SCRIPTS]
    joined = '"use strict";\n' + "\n".join(f"{{\n{script}\n}}" for script in scripts) + "\n"
    return {"css/app.css": pico.strip() + "\n" + "\n".join(map(squeeze, styles)) + "\n", "js/app.js": joined}


def squeeze(css: str) -> str:
    """Drop comments and the blanks that mean nothing."""
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.S)
    css = re.sub(r"\s+", " ", css)
    css = re.sub(r" ?([{};,]) ?", r"\1", css)
    return re.sub(r": (?=[^{}]*[;}])", ":", css).replace(";}", "}").strip()


if __name__ == "__main__":
    main()
