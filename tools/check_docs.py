"""Check what is generated and what must agree: settings table, translations, messages, words that never appear."""

import subprocess
import sys
from pathlib import Path

from babel.messages.pofile import read_po

from qtrace.config import PREFIX, SETTINGS
from tools import translations

ROOT = Path(__file__).resolve().parent.parent
SETTINGS_PAGE = ROOT / "docs" / "admin" / "settings.md"
FORBIDDEN = ("/" + "work/", "/" + "root/", "pypi" + ".org", "npmjs" + ".org", "deb.debian" + ".org")


def main() -> None:
    """Run every check; print each problem and fail if there is one."""
    problems = [*_settings(), *_translations(), *_words()]
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


def _settings() -> list[str]:
    if "--write" in sys.argv:
        SETTINGS_PAGE.write_text(settings_table(), encoding="utf-8")
    current = SETTINGS_PAGE.read_text(encoding="utf-8") if SETTINGS_PAGE.exists() else ""
    return (
        []
        if current == settings_table()
        else ["docs/admin/settings.md is not what the settings make: run with --write"]
    )


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
