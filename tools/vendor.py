"""Fetch the pinned browser libraries and write what is shipped of them to qtrace/static.

`python tools/vendor.py` downloads each package at the version in vendor.lock.json, refuses any archive or result whose
SHA-256 differs from the lock, and writes the files. `--relock` records new hashes after a version was changed on purpose.
"""

import argparse
import hashlib
import json
import re
import subprocess
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATIC = ROOT / "qtrace" / "static"
LOCK = Path(__file__).with_name("vendor.lock.json")

# What the pages need of Pico: the reset, embedded media, code, and the odd inputs. Everything else is our own layer.
PICO_WITHOUT = [
    "themes/default",
    "layout/landmarks",
    "layout/container",
    "layout/section",
    "layout/grid",
    "layout/overflow-auto",
    "content/link",
    "content/typography",
    "content/button",
    "content/table",
    "content/figure",
    "forms/basics",
    "forms/checkbox-radio-switch",
    "forms/input-search",
    "forms/input-date",
    "components/accordion",
    "components/card",
    "components/dropdown",
    "components/group",
    "components/loading",
    "components/modal",
    "components/nav",
    "components/progress",
    "components/tooltip",
]

# name in our pages -> name in lucide
ICONS = {
    "list-todo": "list-todo", "alert-triangle": "triangle-alert", "alert-circle": "circle-alert", "info": "info",
    "plus": "plus", "minus": "minus", "scan-line": "scan-line", "qr-code": "qr-code", "barcode": "barcode",
    "bar-chart": "chart-column", "trending-up": "trending-up", "percent": "percent", "target": "target",
    "user": "user", "users": "users", "search": "search", "filter": "funnel", "settings": "settings",
    "package": "package", "truck": "truck", "factory": "factory", "store": "store", "warehouse": "warehouse",
    "building": "building-2", "file-text": "file-text", "printer": "printer", "clock": "clock", "check": "check",
    "check-circle": "circle-check", "x": "x", "x-circle": "circle-x", "chevron-right": "chevron-right",
    "chevron-left": "chevron-left", "chevron-down": "chevron-down", "chevron-up": "chevron-up",
    "arrow-up": "arrow-up", "arrow-down": "arrow-down", "arrow-right": "arrow-right", "arrow-left": "arrow-left",
    "upload": "upload", "download": "download", "camera": "camera", "image": "image", "link": "link", "copy": "copy",
    "external-link": "external-link", "share": "share-2", "message-square": "message-square",
    "message-alert": "message-circle-warning", "paperclip": "paperclip", "git-branch": "git-branch", "route": "route",
    "split": "split", "merge": "merge", "workflow": "workflow", "shield": "shield", "lock": "lock", "key": "key",
    "log-out": "log-out", "sun": "sun", "moon": "moon", "contrast": "sun-moon", "languages": "languages",
    "home": "house", "inbox": "inbox", "tag": "tag", "layers": "layers", "refresh-cw": "refresh-cw", "eye": "eye",
    "eye-off": "eye-off", "help-circle": "circle-question-mark", "calendar": "calendar", "edit": "pencil",
    "trash": "trash-2", "undo": "undo-2", "play": "play", "pause": "pause", "flag": "flag", "star": "star",
    "menu": "menu", "more": "ellipsis", "bell": "bell", "clipboard-check": "clipboard-check",
    "clipboard-list": "clipboard-list", "list-checks": "list-checks", "wrench": "wrench", "plug": "plug",
    "history": "history", "save": "save", "send": "send", "drag": "grip-vertical", "zap": "zap",
    "wifi-off": "wifi-off", "book": "book-open", "database": "database", "table": "table-2", "columns": "columns-3",
    "sliders": "sliders-horizontal", "wallet": "wallet", "phone": "phone", "mail": "mail", "lightbulb": "lightbulb",
    "hash": "hash", "bookmark": "bookmark", "cart": "shopping-cart", "archive": "archive", "pin": "pin",
    "dashboard": "layout-dashboard", "monitor": "monitor", "map-pin": "map-pin", "smile": "smile", "frown": "frown",
    "corner-down-right": "corner-down-right", "snowflake": "snowflake", "ban": "ban", "keyboard": "keyboard",
}  # fmt: skip

REGIONS_BESIDE = {"71": "台湾省", "81": "香港特别行政区", "82": "澳门特别行政区"}


def main() -> None:
    """Bring qtrace/static to what the lock says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--relock", action="store_true", help="record new hashes instead of checking them")
    relock = parser.parse_args().relock
    lock = json.loads(LOCK.read_text("utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        homes = {name: fetch(name, entry, work, relock=relock) for name, entry in lock["packages"].items()}
        files = produce(homes, lock["packages"], work)
    write_files(files, lock, relock=relock)


def fetch(name: str, entry: dict[str, str], work: Path, *, relock: bool) -> Path:
    """Download one package, check its archive and return the folder it was unpacked to."""
    spec = f"{name}@{entry['version']}"
    packed = run(["npm", "pack", "--silent", "--json", spec], work)
    archive = work / json.loads(packed)[0]["filename"]
    found = sha256(archive.read_bytes())
    if relock:
        entry["sha256"] = found
    elif found != entry["sha256"]:
        raise SystemExit(f"{spec}: the archive is not the one in the lock ({found}); nothing was written")
    home = work / name.replace("/", "+")
    with tarfile.open(archive) as tar:
        tar.extractall(home, filter="data")
    return home / "package"


def produce(homes: dict[str, Path], packages: dict[str, dict[str, str]], work: Path) -> dict[str, bytes]:
    """Return the files we ship, by their path under qtrace/static."""
    versions = {name: entry["version"] for name, entry in packages.items()}
    htmx = (homes["htmx.org"] / "dist/htmx.min.js").read_bytes()
    chart = (homes["chart.js"] / "dist/chart.umd.min.js").read_bytes()
    return {
        f"vendor/htmx-{versions['htmx.org']}.min.js": without_source_map(htmx),
        f"vendor/chart-{versions['chart.js']}.min.js": without_source_map(chart),
        f"vendor/pico-base-{versions['@picocss/pico']}.css": pico(homes["@picocss/pico"], versions["sass"], work),
        f"vendor/regions-cn-{versions['element-china-area-data']}.json": regions(homes["element-china-area-data"]),
        "icons.svg": sprite(homes["lucide-static"] / "icons", versions["lucide-static"]),
    }


def pico(home: Path, sass: str, work: Path) -> bytes:
    """Compile the few Pico modules we use, in a cascade layer so that our own rules always win."""
    off = ",".join(f'"{module}":false' for module in PICO_WITHOUT)
    switches = ["classes", "transitions", "responsive-typography", "viewport"]
    settings = ",".join(f"$enable-{switch}:false" for switch in switches)
    source = work / "base.scss"
    source.write_text(f'@use "{(home / "scss").as_posix()}" with ({settings},$modules:({off}));', "utf-8")
    run(["npm", "install", "--silent", "--ignore-scripts", "--no-save", f"sass@{sass}"], work)
    options = ["--style=compressed", "--no-charset", "--no-source-map", "--quiet", "--quiet-deps"]
    css = run(["node", "node_modules/sass/sass.js", *options, source.name], work).decode()
    notice, rules = re.match(r"\s*(/\*!.*?\*/)?(.*)", css, re.S).groups()  # type: ignore[union-attr]
    plain_notice = re.sub(r"[^\x00-\x7f]+ ?", "", notice or "")
    return f"{plain_notice}\n@layer pico{{{rules.strip()}}}\n".encode()


def regions(home: Path) -> bytes:
    """Return the name of every region of China by its code; the three regions the package leaves out are added."""
    module = (home / "dist/element-china-area-data.mjs").as_posix()
    script = f"import {{codeToText}} from '{module}'; process.stdout.write(JSON.stringify(codeToText))"
    names = json.loads(run(["node", "--input-type=module", "-e", script], home)) | REGIONS_BESIDE
    return json.dumps(dict(sorted(names.items())), ensure_ascii=False, separators=(",", ":")).encode()


def sprite(icons: Path, version: str) -> bytes:
    """Return one SVG with a symbol per icon."""
    symbols = []
    for ours, theirs in sorted(ICONS.items()):
        drawing = (icons / f"{theirs}.svg").read_text("utf-8")
        shapes = re.sub(r"\s+", " ", drawing.split(">", 2)[2].rsplit("</svg>", 1)[0]).replace(" />", "/>").strip()
        symbols.append(f'<symbol id="i-{ours}" viewBox="0 0 24 24">{shapes.replace("> <", "><")}</symbol>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg"><!-- lucide {version}, ISC -->'
    return "\n".join([head, *symbols, "</svg>\n"]).encode()


def without_source_map(script: bytes) -> bytes:
    """Drop the line that makes browsers look for a source map we don't ship."""
    return re.sub(rb"\n?//# sourceMappingURL=\S+\s*$", b"\n", script)


def write_files(files: dict[str, bytes], lock: dict[str, dict[str, object]], *, relock: bool) -> None:
    """Write all files, or none when one differs from the lock."""
    hashes = {path: sha256(content) for path, content in files.items()}
    if relock:
        lock["files"] = dict(sorted(hashes.items()))
        LOCK.write_text(json.dumps(lock, indent=2) + "\n", "utf-8")
    elif hashes != lock["files"]:
        wrong = sorted(path for path in hashes if hashes[path] != lock["files"].get(path))
        raise SystemExit(f"these results differ from the lock: {', '.join(wrong)}; nothing was written")
    (STATIC / "vendor").mkdir(parents=True, exist_ok=True)
    for old in (STATIC / "vendor").iterdir():
        old.unlink()
    for path, content in files.items():
        (STATIC / path).write_bytes(content)
        print(f"{path}: {len(content)} bytes")


def run(command: list[str], folder: Path) -> bytes:
    """Run a tool of the package registry's client and return what it printed."""
    return subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


def sha256(content: bytes) -> str:
    """Return the hash as hex."""
    return hashlib.sha256(content).hexdigest()


if __name__ == "__main__":
    main()
