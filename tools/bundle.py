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
    "conditions",
    "forms",
    "scan",
    "controls",
    "table",
    "story",
    "figures",
    "tasks",
    "rules",
    "notices",
    "overlay",
    "print",
]
SCRIPTS = [
    "page", "theme", "toast", "confirm", "pending", "lists", "keys", "scan", "condition-builder", "rules", "reorder",
    "mentions", "stopwatch",
]  # fmt: skip
FORM_SCRIPTS = [
    "inputs",
    "rows",
    "rich",
    "photos",
    "sign",
    "fields",
    "held",
    "opinions",
]  # loaded by pages that draw a form
FORM_STYLES = ["rows", "inspections"]  # what forms and records add to every page's
DESK = ["designer"]  # what only the designers' page loads, style and script
FLOWS = ["flows", "deciding"]  # what the pages about flows add
FLOW_DESK = ["flow-designer"]  # what the designer of flows adds to it, style only
TREE = ["tree"]  # what only the page of taxonomies loads


def main() -> None:
    """Write css/app.css, js/app.js, js/forms.js, the same of the designer and the script of the taxonomies."""
    for path, content in bundles().items():
        (STATIC / path).write_text(content, "utf-8")
        print(f"{path}: {len(content.encode())} bytes")


def bundles() -> dict[str, str]:
    """Return the content of the joined files by their path under qtrace/static."""
    pico = next((STATIC / "vendor").glob("pico-base-*.css")).read_text("utf-8")
    return {
        "css/app.css": pico.strip() + "\n" + joined_styles(STYLES), "js/app.js": joined_scripts(SCRIPTS),
        "js/forms.js": once("qtraceForms", joined_scripts(FORM_SCRIPTS)),
        "css/forms.css": joined_styles(FORM_STYLES), "css/designer.css": joined_styles(DESK), "js/designer.js": joined_scripts(DESK),
        "css/flow-designer.css": joined_styles(FLOW_DESK),
        "css/flows.css": joined_styles(FLOWS), "js/tree.js": joined_scripts(TREE),
    }  # fmt: skip


def joined_styles(names: list[str]) -> str:
    """Return these style sheets as one."""
    return "\n".join(squeeze((STATIC / "css" / "parts" / f"{name}.css").read_text("utf-8")) for name in names) + "\n"


def joined_scripts(names: list[str]) -> str:
    """Return these scripts as one, each in a block of its own."""
    scripts = [(STATIC / "js" / "parts" / f"{name}.js").read_text("utf-8").strip() for name in names]
    return '"use strict";\n' + "\n".join(f"{{\n{script}\n}}" for script in scripts) + "\n"


def once(mark: str, script: str) -> str:
    """Return a script that runs once, though each form of a page brings it along."""
    head, _newline, body = script.partition("\n")
    return f"{head}\nif (!window.{mark}) {{\nwindow.{mark} = true;\n{body}}}\n"


def squeeze(css: str) -> str:
    """Drop comments and the blanks that mean nothing."""
    css = re.sub(r"/\*.*?\*/", "", css, flags=re.S)
    css = re.sub(r"\s+", " ", css)
    css = re.sub(r" ?([{};,]) ?", r"\1", css)
    return re.sub(r": (?=[^{}]*[;}])", ":", css).replace(";}", "}").strip()


if __name__ == "__main__":
    main()
