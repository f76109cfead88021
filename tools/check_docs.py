"""Check what is generated and what must agree: settings table, translations, messages, words that never appear."""

import subprocess
import sys
import tempfile
from pathlib import Path

from babel.messages.pofile import read_po
from flask_babel import force_locale

from qtrace.app import create_app
from qtrace.config import PREFIX, SETTINGS
from qtrace.forms.catalogue import Drawer, drawers, for_strangers, options_text, stored_as
from tools import translations

ROOT = Path(__file__).resolve().parent.parent
CONTROLS_PAGE = ROOT / "docs" / "user" / "controls.md"
SETTINGS_PAGE = ROOT / "docs" / "admin" / "settings.md"
FORBIDDEN = ("/" + "work/", "/" + "root/", "pypi" + ".org", "npmjs" + ".org", "deb.debian" + ".org")


def main() -> None:
    """Run every check; print each problem and fail if there is one."""
    problems = [*_generated(), *_translations(), *_words()]
    for problem in problems:
        print(f"docs: {problem}")
    print(f"docs: {len(problems)} problems")
    sys.exit(1 if problems else 0)


def settings_table() -> str:
    """Return docs/admin/settings.md as the table of settings makes it."""
    rows = [
        f"| `{PREFIX}{item.name}` | {f'`{item.default}`' if item.default else '—'} | {item.help}{' (secret)' if item.secret else ''} |"
        for item in SETTINGS
    ]
    head = "# Settings\n\nEnvironment variables; `NAME_FILE` reads a value from a file. `qtrace config` shows them with their sources.\n"
    return head + "\n| setting | default | meaning |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def controls_table() -> str:
    """Return docs/user/controls.md as the registry of controls makes it."""
    with tempfile.TemporaryDirectory() as home:
        app = create_app(environ={"QTRACE_DATA_DIR": home, "QTRACE_SECRET_KEY": "docs-" * 10})
        with app.test_request_context(), force_locale("zh"):
            found = drawers()
            counted = [control for drawer in found for control in drawer.controls if not control.layout]
            parts = [_drawer_table(drawer) for drawer in found if drawer.controls]
    basic = sum(control.basic for control in counted)
    head = (
        f"# 控件\n\n表单由 {len(counted)} 种控件组成:{basic} 种**常用**的一开始就能用,其余在「高级」里;另有几种版面元素。"
        "页面「表单 › 控件」里每种都可以试填。带 * 的设置必填。\n"
    )
    return head + "".join(parts)


def _drawer_table(drawer: Drawer) -> str:
    rows = [
        f"| {'**' + control.name_zh + '**' if control.basic else control.name_zh} | `{control.key}` "
        f"| {'—' if control.layout else stored_as(control)} | {for_strangers(control)} "
        f"| {control.not_in_rows or '可用'} | {options_text(control) or '—'} |"
        for control in drawer.controls
    ]
    head = (
        f"\n## {drawer.family.name_zh}\n\n| 控件 | 键 | 保存为 | 公开表单 | 子表 | 设置 |\n|---|---|---|---|---|---|\n"
    )
    return head + "\n".join(rows) + "\n"


def _generated() -> list[str]:
    pages = {SETTINGS_PAGE: settings_table(), CONTROLS_PAGE: controls_table()}
    if "--write" in sys.argv:
        for path, content in pages.items():
            path.write_text(content, encoding="utf-8")
    return [
        f"{path.relative_to(ROOT)} is not what the code makes: run with --write"
        for path, content in pages.items()
        if not path.exists() or path.read_text(encoding="utf-8") != content
    ]


def _translations() -> list[str]:
    messages = translations.collect()
    with translations.CATALOG.open("rb") as handle:
        catalog = read_po(handle, locale="en")
    missing = [translations.first_form(one) for one in messages if not all(translations.forms(catalog, one))]
    double = translations.counted_and_not(messages)
    fuzzy = [str(message.id) for message in catalog if message.id and message.fuzzy]
    stale = (
        [] if translations.compiled() == translations.BINARY.read_bytes() else ["messages.mo is older than messages.po"]
    )
    return [
        *(f"no English for {text!r}" for text in missing),
        *(f"with a count and without: {text!r}" for text in double),
        *(f"fuzzy: {text!r}" for text in fuzzy),
        *stale,
    ]


def _words() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    found = []
    for name in listed.decode().split("\0"):
        path = ROOT / name
        if not name or not path.is_file() or path.suffix in {".png", ".ttc", ".mo", ".js", ".css"}:
            continue
        text = path.read_text(encoding="utf-8", errors="ignore")
        found += [f"{name} names {word}" for word in FORBIDDEN if word in text]
    return found


if __name__ == "__main__":
    main()
