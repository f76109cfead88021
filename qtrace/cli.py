"""The `qtrace` command; names and exit statuses are a contract (0 done, 1 refused or failed, 2 wrong usage)."""

import json
import socket
import sys
import time
import urllib.request
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import click
from flask import Flask
from sqlalchemy import select

from qtrace import config as settings
from qtrace.accounts.models import User
from qtrace.accounts.passwords import hash_password
from qtrace.accounts.service import add_user_hashed, set_password
from qtrace.app import create_app
from qtrace.channels.commands import channel_add, channel_list, channel_status, channel_sync
from qtrace.core import clock, events
from qtrace.core.db import db, write
from qtrace.core.errors import DomainError
from qtrace.exchange.epcis import read_file, take, taken
from qtrace.exchange.exporting import Asking, export_view, wanted, write_export
from qtrace.exchange.importing import Progress, import_file, preview
from qtrace.flows.commands import flow_check, flow_export, flow_import, flow_list
from qtrace.flows.replaying import verify_histories
from qtrace.plugins import plugin_rows
from qtrace.printing.service import pdf_of
from qtrace.recalls.preview import recall_json
from qtrace.reports.service import report_json
from qtrace.server import Binding, serve
from qtrace.setup import database
from qtrace.setup.demo import PASSWORD as DEMO_PASSWORD
from qtrace.setup.demo import DemoOptions, install_demo, installed_demo, people_of_demo, remove_site
from qtrace.setup.install import has_people, install
from qtrace.setup.pack_commands import pack_apply, pack_export, pack_json, pack_list
from qtrace.trace.epcis_facts import lot_document
from qtrace.trace.epcis_reading import MAX_BYTES
from qtrace.trace.service import trace_json


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """电商质量问题追溯: find where an e-commerce quality problem comes from and carry it to a proven end."""


def main() -> None:
    """Run the command line; every expected failure is one clear line on stderr and exit status 1."""
    try:
        cli(standalone_mode=True)
    except (DomainError, settings.BadSetting) as error:
        print(
            f"qtrace: {error}" if str(error) else "qtrace: there is no such record; check the number", file=sys.stderr
        )
        sys.exit(1)


def built_app() -> Flask:
    """Return the app over an installed, current database."""
    app = create_app()
    with app.app_context():
        install(app, now=clock.now())
    return app


@cli.command()
def init() -> None:
    """Create the data dir, the database and what every company starts with."""
    app = built_app()
    print(f"ready: {app.config['QTRACE_DATA_DIR']}")


@cli.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
@click.option("--workers", type=int, default=None, help="Web processes (default: QTRACE_WORKERS).")
@click.option("--web-only", is_flag=True, help="Only the web processes.")
@click.option("--worker-only", is_flag=True, help="Only the background worker.")
def serve_command(host: str, port: int, workers: int | None, web_only: bool, worker_only: bool) -> None:
    """Serve the site: web processes and one background worker."""
    if web_only and worker_only:
        raise click.UsageError("choose --web-only or --worker-only, not both")
    if not worker_only:
        _refuse_taken_port(host, port)
    app = built_app()
    config: settings.Config = app.config["QTRACE_CONFIG"]
    binding = Binding(host, port, workers or config.number("WORKERS"), config.number("THREADS"))
    print(f"qtrace: http://{host}:{port}", flush=True)
    sys.exit(serve(app, binding, web=not worker_only, worker=not web_only))


@cli.command()
@click.option("--fresh", is_flag=True, help="Remove the data dir's database and files first.")
@click.option("--orders", default=20_000, show_default=True)
@click.option("--seed", default=7, show_default=True)
def demo(fresh: bool, orders: int, seed: int) -> None:
    """Fill the site with a demonstration company and print who can log in."""
    options = DemoOptions(orders=orders, seed=seed)
    if fresh:
        remove_site(settings.load())
    app = built_app()
    with app.test_request_context():
        if not installed_demo():
            if has_people():
                raise click.ClickException("this site is in use; a demonstration goes into an empty one (or --fresh)")
            install_demo(options, now=clock.now(), say=_say)
    print(f"\nqtrace demo · password for everybody: {DEMO_PASSWORD}")
    for person in people_of_demo(options, now=clock.now()):
        print(f"  {person.username:<12} {person.name}  {person.role}")
    print("start with the guided tour: /tour\n", flush=True)


def _say(step: str, share: float) -> None:
    if sys.stderr.isatty():
        print(f"demo [{'#' * int(share * 30):<30}] {share:4.0%} {step}", end="\r", file=sys.stderr, flush=True)
    elif share in {0.05, 1.0}:
        print(f"demo: {step}", file=sys.stderr, flush=True)


@cli.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--as", "kind", default=None, help="Kind of record: orders, lines, products, suppliers, reviews, aftersales, …"
)
@click.option("--map", "mapping", default=None, help="A saved mapping's name, a shipped one (olist), or a JSON file.")
@click.option("--shop", default=None, help="Key of the shop the records belong to.")
@click.option("--dry-run", is_flag=True, help="Check everything, store nothing.")
@click.option("--json", "as_json", is_flag=True)
def import_command(
    file: Path, kind: str | None, mapping: str | None, shop: str | None, dry_run: bool, as_json: bool
) -> None:
    """Import a CSV or Excel file; good rows are stored, bad rows come back as a file with reasons."""
    app = built_app()
    with app.test_request_context():
        if dry_run and kind is None and mapping is None and not _recognised(file):
            _print_preview(file, as_json)
            return
        bar = ProgressLine(file.name, quiet=as_json)
        done = import_file(
            file,
            kind=kind,
            mapping=mapping,
            shop_key=shop,
            dry_run=dry_run,
            data_dir=app.config["QTRACE_DATA_DIR"],
            clock=clock.now,
            progress=bar.show,
        )
        bar.end()
    result = done.as_json()
    if as_json:
        print(json.dumps(result, ensure_ascii=False))
        return
    counts = " ".join(f"{name} {result[name]}" for name in ("read", "stored", "updated", "unchanged", "refused"))
    print(f"{file.name} as {result['kind']} (mapping {result['mapping']}, shop {result['shop']}): {counts}")
    if result["ignored"]:
        print(f"ignored columns: {', '.join(result['ignored'])}")
    if result["refused_file"]:
        print(f"refused rows with reasons: {result['refused_file']}")


@cli.command("epcis")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--shop", required=True, help="Key of the shop the records belong to.")
@click.option("--dry-run", is_flag=True, help="Read everything, store nothing.")
@click.option("--json", "as_json", is_flag=True)
def epcis_command(file: Path, shop: str, dry_run: bool, as_json: bool) -> None:
    """Take in an EPCIS 2.0 document of another company; every event becomes records or says why not."""
    with built_app().test_request_context():
        with file.open("rb") as handle:
            shop_id, readings = read_file(handle.read(MAX_BYTES + 1), shop)
        if dry_run:
            done = taken(readings)
        else:
            with write():
                done = take(shop_id, readings, by=None, now=clock.now())
    if as_json:
        notes = [{"event": one.index, "records": len(one.records), "note": one.note} for one in done.readings]
        print(json.dumps({"kinds": done.kinds, **done.stored, "events": notes}, ensure_ascii=False))
        return
    for one in done.readings:
        print(f"{one.index + 1} {one.kind} {one.step}: {len(one.records)} records {one.note}".rstrip())
    print(" ".join(f"{name} {count}" for name, count in (done.kinds | done.stored).items()) or "nothing to store")


@cli.command("export")
@click.argument("view")
@click.option("-o", "output", type=click.Path(dir_okay=False, path_type=Path), required=True, help=".xlsx or .csv")
@click.option("--as", "username", required=True, help="Whose list: only what this person may see is exported.")
@click.option("--filter", "query", default="", help="The list's filters as in its address, like status=all.")
@click.option("--columns", default="", help="Names of columns, separated by commas; all without it.")
@click.option("--reason", default="", help="Give it to export sensitive values in full.")
def export_command(view: str, output: Path, username: str, query: str, columns: str, reason: str) -> None:
    """Export a list (issues, complaints, records:FORM) to a file."""
    app = built_app()
    with app.test_request_context():
        user = db.session.scalar(select(User).where(User.username == username, User.active))
        if user is None:
            raise click.ClickException(f"there is no user {username}")
        names = [name.strip() for name in columns.split(",") if name.strip()]
        export = wanted(export_view(view, user), names, user, unmasked=bool(reason), reason=reason)
        count = write_export(export, Asking(user, clock.now(), dict(parse_qsl(query))), output)
    print(f"{output}: {count} rows")


class ProgressLine:
    """A progress bar on a terminal, a plain line every few seconds elsewhere."""

    def __init__(self, label: str, *, quiet: bool) -> None:
        self.label, self.quiet = label, quiet
        self.terminal = sys.stderr.isatty()
        self.shown_at = time.monotonic()

    def show(self, progress: Progress) -> None:
        """Show how far it is."""
        due = time.monotonic() - self.shown_at > (0.1 if self.terminal else 5)
        if self.quiet or not due:
            return
        self.shown_at = time.monotonic()
        share = min(1.0, progress.read / progress.total) if progress.total else 0.0
        bar = "#" * int(share * 30)
        end = "\r" if self.terminal else "\n"
        print(f"{self.label} [{bar:<30}] {share:4.0%} {progress.read} rows", end=end, file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the line clean."""
        if self.terminal and not self.quiet:
            print(" " * 100, end="\r", file=sys.stderr, flush=True)


def _recognised(file: Path) -> bool:
    return preview(file).kind is not None


def _print_preview(file: Path, as_json: bool) -> None:
    found = preview(file)
    if as_json:
        print(json.dumps(asdict(found), ensure_ascii=False, default=str))
        return
    print(f"{file.name}: sheet {found.sheet or '-'}, header in row {found.header_row}, {found.rows} rows")
    print(" | ".join(found.headers))
    for row in found.first:
        print(" | ".join("" if cell is None else str(cell) for cell in row))


@cli.command("print")
@click.argument("template", type=click.Choice(["issue", "record"]))
@click.argument("number")
@click.option("-o", "output", type=click.Path(dir_okay=False, path_type=Path), required=True)
def print_command(template: str, number: str, output: Path) -> None:
    """Print an issue or a record of a form to a PDF, e.g. `qtrace print issue QI-2611-0001 -o report.pdf`."""
    app = built_app()
    with app.test_request_context():
        output.write_bytes(pdf_of(template, number, now=clock.now()))
    print(f"written: {output}")


@cli.command("trace")
@click.argument("kind", type=click.Choice(["complaint", "issue", "order", "sku", "lot", "supplier", "parcel"]))
@click.argument("number")
@click.option("--json", "as_json", is_flag=True)
@click.option("--epcis", is_flag=True, help="The life of a lot as an EPCIS 2.0 document.")
def trace_command(kind: str, number: str, as_json: bool, epcis: bool) -> None:
    """Walk from a record to where it came from, and to everything else that is touched."""
    if epcis and kind != "lot":
        raise click.UsageError("--epcis is for lots")
    with built_app().test_request_context():
        if epcis:
            print(json.dumps(lot_document(number, now=clock.now()), ensure_ascii=False))
            return
        found = trace_json(kind, number)
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
        return
    labels = {f"{node['kind']}:{node['id']}": node["label"] for node in found["nodes"]}
    for edge in found["edges"]:
        method = f"{edge['method']} {edge['confidence']}%"
        print(f"{labels.get(edge['from'], edge['from'])} -> {labels.get(edge['to'], edge['to'])}  ({method})")
    print("totals: " + ", ".join(f"{name} {value}" for name, value in found["totals"].items()))
    for gap in found["gaps"]:
        print(f"gap: {gap}")


@cli.command("recall")
@click.argument("lot")
@click.option("--json", "as_json", is_flag=True)
def recall_command(lot: str, as_json: bool) -> None:
    """Say where the pieces of a lot are and whom a recall would reach."""
    with built_app().test_request_context():
        found = recall_json(lot)
    print(json.dumps(found, ensure_ascii=False, indent=None if as_json else 1))


@cli.command("report")
@click.argument("name", type=click.Choice(["quality"]))
@click.option("--period", default="month", show_default=True)
@click.option("--json", "as_json", is_flag=True)
def report_command(name: str, period: str, as_json: bool) -> None:
    """Print the figures of a board."""
    with built_app().test_request_context():
        found = report_json(name, period, clock.now())
    print(json.dumps(found, ensure_ascii=False, default=str, indent=None if as_json else 1))


@cli.group("channel")
def channel_group() -> None:
    """Connected shops."""


@channel_group.command("list")
@click.option("--json", "as_json", is_flag=True)
def channel_list_command(as_json: bool) -> None:
    """List the connected accounts."""
    with built_app().test_request_context():
        rows = channel_list()
    _print(rows, as_json, lambda row: "\t".join(str(value) for value in row.values()))


@channel_group.command("add")
@click.argument("name")
@click.option("--connector", required=True)
@click.option("--shop", default="", help="Key of the shop; the account's name when empty.")
@click.option("--set", "settings_", multiple=True, metavar="NAME=VALUE")
def channel_add_command(name: str, connector: str, shop: str, settings_: tuple[str, ...]) -> None:
    """Connect an account."""
    chosen = dict(pair.split("=", 1) for pair in settings_ if "=" in pair)
    app = built_app()
    with app.test_request_context():
        channel_add(app, name, connector=connector, shop_key=shop, settings=chosen, now=clock.now())
    print(f"added: {name}")


@channel_group.command("sync")
@click.argument("name")
def channel_sync_command(name: str) -> None:
    """Read what is new, here and now."""
    with built_app().test_request_context():
        result = channel_sync(name, clock=clock.now)
    print(json.dumps(result, ensure_ascii=False, default=str))


@channel_group.command("status")
@click.argument("name")
def channel_status_command(name: str) -> None:
    """Show how far an account was read and what was refused."""
    with built_app().test_request_context():
        result = channel_status(name)
    print(json.dumps(result, ensure_ascii=False, default=str, indent=1))


@cli.group("pack")
def pack_group() -> None:
    """The configuration as one file: forms, rules, taxonomies, mappings, standards."""


@pack_group.command("list")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True)
def pack_list_command(file: Path | None, as_json: bool) -> None:
    """Name what a file holds, or without one what this site would export."""
    with built_app().test_request_context():
        found = pack_list(file)
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        for section, keys in found.items():
            print(f"{section} {len(keys)}", *(f"  {key}" for key in keys), sep="\n")


@pack_group.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def pack_export_command(file: Path) -> None:
    """Write the site's configuration into a file."""
    with built_app().test_request_context():
        count = pack_export(file)
    print(f"written: {file} ({count} items)")


@pack_group.command("apply")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would change, change nothing.")
@click.option("--json", "as_json", is_flag=True)
def pack_apply_command(file: Path, dry_run: bool, as_json: bool) -> None:
    """Give a file's configuration to this site; items in conflict are left out and named (exit status 1)."""
    with built_app().test_request_context():
        found = pack_json(pack_apply(file, dry_run=dry_run))
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        print(" ".join(f"{state} {len(entries)}" for state, entries in found.items()))
        for entry in found["conflict"]:
            print(f"{entry['section']}/{entry['key']}: {entry['problem']}", file=sys.stderr)
    sys.exit(1 if found["conflict"] else 0)


@cli.group("flow")
def flow_group() -> None:
    """The flows: list them, take one to another site as a file."""


@flow_group.command("list")
@click.option("--json", "as_json", is_flag=True)
def flow_list_command(as_json: bool) -> None:
    """Show every flow with its version, its running cases and what goes through it."""
    with built_app().test_request_context():
        rows = flow_list()
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
    else:
        for row in rows:
            print(row["key"], row["name"], row["version"] or "off", row["running"], *row["used_by"], sep="\t")


@flow_group.command("export")
@click.argument("key")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--version", type=int, help="A version; without one, that on which new cases start.")
def flow_export_command(key: str, file: Path, version: int | None) -> None:
    """Write a flow into a file."""
    with built_app().test_request_context():
        number = flow_export(key, file, version)
    print(f"written: {file} ({key}, version {number})")


@flow_group.command("check")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def flow_check_command(file: Path) -> None:
    """Say whether a file holds a flow that may run; nothing is stored."""
    with built_app().test_request_context():
        found = flow_check(file)
    print(f"good: {found['key']} {found['name']}, {found['nodes']} steps")


@flow_group.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--into", "key", default="", help="The flow whose next version it becomes; without one, that the file names."
)
def flow_import_command(file: Path, key: str) -> None:
    """Store a file's flow as the next version; running cases keep theirs."""
    with built_app().test_request_context():
        made, number = flow_import(file, key)
    print(f"imported: {made}, version {number}")


@flow_group.command("verify")
@click.option("--json", "as_json", is_flag=True)
def flow_verify_command(as_json: bool) -> None:
    """Play the history of every case again and compare (exit status 1 where a case stands elsewhere)."""
    with built_app().test_request_context():
        found = verify_histories()
    if as_json:
        print(json.dumps(asdict(found)))
    else:
        print(f"{found.cases} cases, {found.unkept} begun before histories were kept, {len(found.different)} different")
        for case in found.different:
            print(f"different: {case}", file=sys.stderr)
    sys.exit(1 if found.different else 0)


@cli.group("plugin")
def plugin_group() -> None:
    """Installed plugins."""


@plugin_group.command("list")
@click.option("--json", "as_json", is_flag=True)
def plugin_list(as_json: bool) -> None:
    """List the plugins with their versions and errors."""
    app = built_app()
    with app.test_request_context():
        rows = plugin_rows(app)
    _print(rows, as_json, lambda row: "\t".join(str(value) for value in row.values()))


@cli.group("user")
def user_group() -> None:
    """People who can log in."""


@user_group.command("add")
@click.argument("username")
@click.option("--name", default="", help="Name as shown.")
@click.option("--role", "roles", multiple=True, default=("customer_service",), show_default=True)
@click.option("--password", prompt=True, hide_input=True, confirmation_prompt=True)
def user_add(username: str, name: str, roles: tuple[str, ...], password: str) -> None:
    """Add a person."""
    with built_app().test_request_context():
        hashed = hash_password(password)
        with write():
            add_user_hashed(username, name, hashed, roles, by=None, now=clock.now())
    print(f"added: {username}")


@user_group.command("passwd")
@click.argument("username")
@click.option("--password", prompt=True, hide_input=True, confirmation_prompt=True)
def user_passwd(username: str, password: str) -> None:
    """Set a new password and end every login of the person."""
    with built_app().test_request_context():
        user_id = db.session.scalar(select(User.id).where(User.username == username))
        if user_id is None:
            raise click.ClickException(f"there is no user {username!r}; `qtrace user list` shows them")
        hashed = hash_password(password)
        with write():
            set_password(user_id, hashed, by=None, now=clock.now())
    print(f"changed: {username}")


@user_group.command("list")
@click.option("--json", "as_json", is_flag=True)
def user_list(as_json: bool) -> None:
    """List the people."""
    with built_app().app_context():
        people = [
            {
                "username": user.username,
                "name": user.name,
                "roles": [role.key for role in user.roles],
                "active": user.active,
            }
            for user in db.session.scalars(select(User).order_by(User.username))
        ]
    _print(people, as_json, lambda person: f"{person['username']}\t{person['name']}\t{','.join(person['roles'])}")


@cli.group("db")
def db_group() -> None:
    """The database."""


@db_group.command("upgrade")
def db_upgrade() -> None:
    """Bring the database to this program's version, after an automatic backup."""
    built_app()
    print("the database is current")


@db_group.command("status")
@click.option("--json", "as_json", is_flag=True)
def db_status(as_json: bool) -> None:
    """Show the database's and the program's version."""
    with create_app().app_context():
        current, wanted = database.status()
    _print([{"database": current, "program": wanted}], as_json, lambda _row: f"database {current}, program {wanted}")


@cli.group("audit")
def audit_group() -> None:
    """The chain of events."""


@audit_group.command("verify")
@click.option("--anchor", type=click.Path(exists=True, dir_okay=False), help="File with a head kept earlier.")
@click.option("--json", "as_json", is_flag=True)
def audit_verify(anchor: str | None, as_json: bool) -> None:
    """Check that no recorded fact was changed, removed or inserted."""
    kept = None
    if anchor:
        data = json.loads(Path(anchor).read_text(encoding="utf-8"))
        kept = (int(data["seq"]), str(data["hash"]))
    with built_app().app_context():
        verdict = events.verify_chain(anchor=kept)
    result = {"count": verdict.count, "head": verdict.head, "broken_at": verdict.broken_at, "problem": verdict.problem}
    good = verdict.broken_at is None
    line = f"{verdict.count} events, chain {'verified' if good else 'BROKEN: ' + verdict.problem}, head {verdict.head}"
    _print([result], as_json, lambda _row: line)
    sys.exit(0 if good else 1)


@audit_group.command("head")
def audit_head() -> None:
    """Print the chain's head as JSON, to be kept elsewhere as an anchor."""
    with built_app().app_context():
        seq, digest = events.head()
    print(json.dumps({"seq": seq, "hash": digest}))


@cli.command("config")
@click.option("--json", "as_json", is_flag=True)
def config_command(as_json: bool) -> None:
    """Show every setting, its value and where it comes from."""
    config = settings.load()
    rows = [
        {
            "name": settings.PREFIX + item.name,
            "value": "***" if item.secret and config[item.name] else config[item.name],
            "source": config.sources[item.name],
            "help": item.help,
        }
        for item in settings.SETTINGS
    ]
    _print(rows, as_json, lambda row: f"{row['name']}={row['value']}  ({row['source']})  {row['help']}")


@cli.command()
@click.option("--host", default="127.0.0.1")
@click.option("--port", default=8000)
def healthcheck(host: str, port: int) -> None:
    """Ask the running site whether it is ready; for the container's health check."""
    try:
        with urllib.request.urlopen(f"http://{host}:{port}/readyz", timeout=5) as answer:
            sys.exit(0 if answer.status == 200 else 1)
    except OSError as error:
        raise click.ClickException(f"not ready: {error}") from None


def _print(rows: list[dict[str, Any]], as_json: bool, line: Any) -> None:
    if as_json:
        print(json.dumps(rows if len(rows) != 1 else rows[0], ensure_ascii=False))
        return
    for row in rows:
        print(line(row))


def _refuse_taken_port(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            raise click.ClickException(
                f"port {port} on {host} is taken; stop the other program or choose another with --port"
            ) from None
