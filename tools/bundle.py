"""Join the small style sheets and scripts into the files pages load: `python tools/bundle.py`."""

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
    "scan",
    "controls",
    "table",
    "story",
    "figures",
    "overlay",
    "print",
]
SCRIPTS = ["page", "theme", "toast", "confirm", "pending", "lists", "keys", "scan"]
FORM_SCRIPTS = ["inputs", "rich", "photos", "sign"]  # loaded by pages that draw a form


def main() -> None:
    """Write css/app.css, js/app.js and js/forms.js."""
    for path, content in bundles().items():
        (STATIC / path).write_text(content, "utf-8")
        print(f"{path}: {len(content.encode())} bytes")


def bundles() -> dict[str, str]:
    """Return the content of the joined files by their path under qtrace/static."""
    pico = next((STATIC / "vendor").glob("pico-base-*.css")).read_text("utf-8")
    styles = [(STATIC / "css" / "parts" / f"{name}.css").read_text("utf-8") for name in STYLES]
    return {
        "css/app.css": pico.strip() + "\n" + "\n".join(map(squeeze, styles)) + "\n",
        "js/app.js": '"use strict";\n' + joined(SCRIPTS),
        "js/forms.js": '"use strict";\n'
        + f"if (!window.qtraceForms) {{\nwindow.qtraceForms = true;\n{joined(FORM_SCRIPTS)}}}\n",
    }


def joined(names: list[str]) -> str:
    """Return scripts one after the other, each in a block of its own."""
    scripts = [(STATIC / "js" / "parts" / f"{name}.js").read_text("utf-8").strip() for name in names]
    return "\n".join(f"{{\n{script}\n}}" for script in scripts) + "\n"


def squeeze(css: str) -> str:
    """Drop comments and the blanks that mean nothing."""
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.S)
    css = re.sub(r"\s+", " ", css)
    css = re.sub(r" ?([{};,]) ?", r"\1", css)
    return re.sub(r": (?=[^{}]*[;}])", ":", css).replace(";}", "}").strip()


if __name__ == "__main__":
    main()
