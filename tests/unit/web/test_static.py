"""What the browser is given: pinned libraries, current bundles, a small first page, no inline style or script."""

import gzip
import hashlib
import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[3]
STATIC = ROOT / "qtrace" / "static"
TEMPLATES = ROOT / "qtrace" / "templates"
LOCK = json.loads((ROOT / "tools" / "vendor.lock.json").read_text("utf-8"))
FRAME = ("_frame.html", "base.html", "blank.html", "_macros.html")
TOKENS = STATIC / "css" / "parts" / "tokens.css"
THEME = re.compile(r"--([\w-]+): (#[0-9a-f]{3,6})\b")


def tool(name: str) -> ModuleType:
    """Load a script of tools/ as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def luminance(color: str) -> float:
    """Return the relative luminance of #rgb or #rrggbb."""
    digits = color[1:] if len(color) == 7 else "".join(char * 2 for char in color[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours as WCAG counts it."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_every_vendored_file_is_the_one_in_the_lock() -> None:
    found = {f"vendor/{file.name}": file for file in (STATIC / "vendor").iterdir()} | {
        "icons.svg": STATIC / "icons.svg"
    }
    hashes = {path: hashlib.sha256(file.read_bytes()).hexdigest() for path, file in found.items()}
    assert hashes == LOCK["files"]


def test_every_package_of_the_lock_is_named_with_its_version_among_the_third_parties() -> None:
    text = (ROOT / "THIRD_PARTY.md").read_text("utf-8")
    shipped = [entry for name, entry in LOCK["packages"].items() if name != "sass"]
    assert [entry["version"] for entry in shipped if f"| {entry['version']} |" not in text] == []


def test_the_bundles_are_made_of_the_present_parts() -> None:
    for path, content in tool("bundle").bundles().items():
        assert (STATIC / path).read_text("utf-8") == content, f"run tools/bundle.py: {path} is old"


def test_every_part_is_in_a_bundle() -> None:
    bundle = tool("bundle")
    styles = {file.stem for file in (STATIC / "css" / "parts").iterdir()}
    scripts = {file.stem for file in (STATIC / "js" / "parts").iterdir()}
    assert styles == {*bundle.STYLES, *bundle.FORM_STYLES, *bundle.DESK, *bundle.FLOWS, *bundle.FLOW_DESK}
    assert scripts == {*bundle.SCRIPTS, *bundle.FORM_SCRIPTS, *bundle.DESK, *bundle.TREE}


def test_what_the_first_page_loads_leaves_room_in_sixty_kilobytes() -> None:
    htmx = f"vendor/htmx-{LOCK['packages']['htmx.org']['version']}.min.js"
    files = ["css/app.css", "js/app.js", "icons.svg", htmx]
    size = sum(len(gzip.compress((STATIC / file).read_bytes(), 5)) for file in files)
    assert size <= 44_000  # the pages themselves stay below 10


def test_every_icon_named_in_a_template_is_drawn() -> None:
    drawn = set(re.findall(r'id="i-([\w-]+)"', (STATIC / "icons.svg").read_text("utf-8")))
    named = {
        icon
        for page in TEMPLATES.rglob("*.html")
        for icon in re.findall(r'\bicon\("([\w-]+)"', page.read_text("utf-8"))
    }
    assert named - drawn == set()


def test_the_frame_loads_the_vendored_files_that_exist() -> None:
    frame = (TEMPLATES / "_frame.html").read_text("utf-8")
    named = re.findall(r"static_url\('([^']+)'\)", frame)
    assert named
    assert [path for path in named if not (STATIC / path).is_file()] == []


def test_no_template_carries_inline_style_or_handlers() -> None:
    inline = re.compile(r"\sstyle=|<style|\son[a-z]+=\"|javascript:|<script>", re.IGNORECASE)
    found = [page.name for page in TEMPLATES.rglob("*.html") if inline.search(page.read_text("utf-8"))]
    assert [name for name in found if name in FRAME or name.startswith("_piece")] == []


def test_both_themes_name_the_same_colours_and_the_two_dark_blocks_agree() -> None:
    blocks = re.split(r"(?<!-)color-scheme:", TOKENS.read_text("utf-8"))
    light, system_dark, chosen_dark = (dict(THEME.findall(block)) for block in blocks[:3])
    assert system_dark == chosen_dark
    assert set(light) == set(chosen_dark)


def test_text_reads_well_on_every_ground_in_both_themes() -> None:
    """WCAG AA: 4.5 for text. Soft text must also hold on washes and hovered rows."""
    blocks = re.split(r"(?<!-)color-scheme:", TOKENS.read_text("utf-8"))
    pairs = [
        (text, ground) for text in ("ink", "soft", "mute") for ground in ("bg", "card", "wash", "hover", "bad-tint")
    ]
    pairs += [(f"{kind}-text", f"{kind}-wash") for kind in ("bad", "warn", "ok", "brand")]
    pairs += [
        (f"{kind}-text", ground) for kind in ("bad", "warn", "ok", "brand") for ground in ("card", "bg", "bad-tint")
    ]
    pairs += [
        ("brand-ink", "brand"),
        ("bad-ink", "bad"),
        ("brand-ink", "brand-deep"),
        ("ink", "brand-wash"),
        ("soft", "brand-wash"),
    ]
    poor = []
    for name, block in zip(("light", "dark"), blocks, strict=False):
        theme = dict(THEME.findall(block))
        poor += [(name, *pair) for pair in pairs if contrast(theme[pair[0]], theme[pair[1]]) < 4.5]
    assert poor == []
