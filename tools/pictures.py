"""Take the pictures of the documents from a demonstration site: `make pictures`, or some of them by name.

Each is taken with the browser as a person sees the page, so that a picture that no longer fits is taken again and not
painted. Colours are reduced to 256, which nobody sees and which halves the files.
"""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from openpyxl import Workbook
from PIL import Image
from playwright.sync_api import Page, sync_playwright

FOLDER = Path("docs") / "user" / "pictures"
DESK, PHONE = (1280, 860), (360, 740)
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync", "--disable-component-update",
    "--no-first-run",
]  # fmt: skip
WAIT_MS = 60_000
LEDGER = (
    ("商品编码", "批号", "供应商", "不良 / 抽检", "检验日期", "结论", "备注"),
    ("HF-ROSE-30", "B2608-17", "", "0/20", "2026-10-08", "合格", ""),
    ("HF-ROSE-30", "B2608-18", "", "1/32", "2026-10-09", "OK", "外箱轻微压痕"),
    ("XB-TOTE-BLK", "J2605-01", "", "6/20", "2026/10/11", "退货", "拉链断齿,同箱 3 件"),
    ("HF-ROSE-30", "", "", "0/50", 46308, "合格", ""),
    ("XB-TOTE-BLK", "", "", "2/32", "下周", "让步接收", "标签错位,已换"),
    ("XB-TOTE-BLK", "", "", "0/20", "2026-10-15", "OK", ""),
)


REFUNDS = (
    ("一箱 12 瓶漏了 5 瓶,面膜纸盒也湿了,要求退款", "268", "照片看是瓶盖没拧紧,退 5 瓶的钱,请供应商承担"),
    ("收到时整箱压扁,送人的礼盒没法送,要求全退", "520.50", "快递破损,全退,向快递索赔"),
    ("大促买三箱只到一箱,催了两次没人管", "1299", "仓库漏发,补发来不及,退两箱"),
)


def log_in(page: Page, username: str) -> None:
    """Log in to the demonstration site."""
    page.goto("/login")
    page.fill("#username", username)
    page.fill("#password", "demo-qtrace")
    page.click("[data-testid=login]")
    page.wait_for_url(lambda url: "/login" not in url)


def go(page: Page, path: str) -> None:
    """Open a page and wait until nothing is loaded any more."""
    page.goto(path)
    page.wait_for_load_state("networkidle")


def ledger(page: Page) -> None:
    """Send a ledger with a title and an empty row above its headers."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (("杭州仓 2026 年 10 月到货检验台账",), (), *LEDGER):
        sheet.append(row)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "到货检验台账.xlsx"
        book.save(path)
        go(page, "/imports")
        page.set_input_files("input[type=file]", path)
        page.select_option("select[name=kind]", "form:qc")
        page.click("[data-testid=upload]")
        page.wait_for_url("**/mapping**")


def rehearsed(page: Page) -> None:
    """Map the ledger and let it be tried without storing anything."""
    ledger(page)
    page.click("[data-testid=start]")
    page.wait_for_selector("#words, [data-testid=real-run]", timeout=WAIT_MS)


def new_rule(page: Page) -> None:
    """Open a rule that compares with what is usual, and try it."""
    go(page, "/rules/new?form=wh&kind=outlier&field=qty")
    page.fill("[name$=least]", "20")
    with page.expect_response("**/rules/trial*"):
        page.click("[data-testid=try-rule]")
    page.wait_for_selector("#trial dl, #trial ul, #trial .banner, #trial .note", timeout=WAIT_MS)


def public_form(page: Page) -> None:
    """Make a public link and open it as a stranger."""
    go(page, "/forms/wh/links")
    page.fill("#link_name", "司机扫码报异常")
    page.fill("#link_company", "杭州花朵美妆")
    page.fill("#link_expires", (datetime.now(UTC) + timedelta(days=30)).date().isoformat())
    page.click("[data-testid=add-link]")
    page.wait_for_load_state("networkidle")
    address = re.search(r"https?://[^\s\"<]*/f/[\w-]+", page.content())
    if address is None:
        raise LookupError("the page of links shows no address")
    page.context.clear_cookies()
    go(page, address[0])


def designed(page: Page) -> None:
    """Give the inspection form a change that is not published yet, and select it."""
    go(page, "/forms/qc/design?field=counts")


def changed(page: Page) -> None:
    """Demand a lot number from now on, and look what that would touch."""
    go(page, "/forms/qc/design?field=lot")
    with page.expect_response(lambda answer: answer.request.method == "POST" and "/draft" in answer.url):
        page.check("[name=required]")
    go(page, "/forms/qc/impact")


def refunds(page: Page) -> None:
    """Let complaints go through the shipped flow for refunds, three of them over its limit, unless that was done."""
    go(page, "/flows")
    if page.locator("a[href='/flows/complaint_refund']").count():
        return
    go(page, "/flows/new?template=complaint_refund")
    page.click("[data-testid=create-flow]")
    page.wait_for_load_state("networkidle")
    go(page, "/flows/complaint_refund/starts?kind=complaint")
    page.click("[data-testid=save-start]")
    page.wait_for_load_state("networkidle")
    assert page.context.browser is not None
    service = page.context.browser.new_context(locale="zh-CN", base_url=re.split(r"/flows", page.url)[0]).new_page()
    log_in(service, "chenxiao")
    for text, amount, proposal in REFUNDS:
        go(service, "/complaints/new")
        service.fill("#text", text)
        service.fill("#amount", amount)
        service.click("[data-testid=save-complaint]")
        service.click("[data-testid=decide]")
        service.fill("#note", proposal)
        service.click("[data-testid=approve]")
        service.wait_for_load_state("networkidle")
    service.context.close()


def deciding(page: Page) -> None:
    """Open the first of the refunds to decide on it."""
    refunds(page)
    go(page, "/tasks?stage=lead")
    page.locator("main a[href$='/decision']:visible").first.click()
    page.wait_for_load_state("networkidle")


def ticked(page: Page) -> None:
    """Tick two of the refunds in the to-do centre."""
    refunds(page)
    go(page, "/tasks?flow=complaint_refund")
    for box in page.locator(".todo input[name=task]").all()[:2]:
        box.check()


def confirming(page: Page) -> None:
    """Ask to agree to what is ticked."""
    ticked(page)
    page.click("text=一起同意…")
    page.wait_for_load_state("networkidle")


def first(selector: str) -> Callable[[Page], None]:
    """Return a step that follows the first link of a list."""

    def follow(page: Page) -> None:
        page.locator(selector).first.click()
        page.wait_for_load_state("networkidle")

    return follow


def at(path: str, *steps: Callable[[Page], None]) -> Callable[[Page], None]:
    """Return a walk: open the path, then take the steps."""

    def walk(page: Page) -> None:
        go(page, path)
        for step in steps:
            step(page)

    return walk


def refunding(path: str) -> Callable[[Page], None]:
    """Return a walk that opens a path once there are refunds to decide."""
    return at("/flows", refunds, lambda page: go(page, path))


def trial(page: Page) -> None:
    """Try the flow for refunds on one of the complaints."""
    refunds(page)
    go(page, "/flows/complaint_refund/simulate")
    number = page.locator("#newest option[value^=CP]").first.get_attribute("value")
    go(page, f"/flows/complaint_refund/simulate?number={number}&version=1")


PICTURES: dict[str, tuple[tuple[int, int], Callable[[Page], None]]] = {
    "board": (DESK, at("/boards/quality")),
    "complaints": (DESK, at("/complaints")),
    "issues": (DESK, at("/issues")),
    "issue": (DESK, at("/issues", first("#issues a.t"))),
    "trace": (DESK, at("/trace/sku/HF-ROSE-30")),
    "phone-home": (PHONE, at("/")),
    "phone-new": (PHONE, at("/issues/new")),
    "form-new": (DESK, at("/forms/new")),
    "form-designer": (DESK, designed),
    "form-impact": (DESK, changed),
    "form-scopes": (DESK, at("/forms/qc/scopes")),
    "form-use": (DESK, at("/forms/qc/use")),
    "phone-form-canvas": (PHONE, at("/forms/qc/design")),
    "phone-form-panel": (PHONE, at("/forms/qc/design?field=result")),
    "phone-form-preview": (PHONE, at("/forms/qc/preview")),
    "inspections": (DESK, at("/inspections")),
    "inspection-refused": (DESK, at("/inspections?verdict=refused", first("#inspections a.t"))),
    "inspection-plan": (DESK, at("/config/inspections", first("#plans a.t"))),
    "phone-inspection": (PHONE, at("/inspections?verdict=open", first("#inspections a.t"))),
    "standard": (DESK, at("/standards", first("main section a, main .card a"))),
    "records": (DESK, at("/records/qc")),
    "records-groups": (DESK, at("/records/qc?group=f.result")),
    "record": (DESK, at("/records/qc", first("#records tbody a"))),
    "phone-record-new": (PHONE, at("/records/wh/new")),
    "rules": (DESK, at("/rules?form=wh")),
    "rule-kinds": (DESK, at("/rules/new?form=wh")),
    "rule": (DESK, new_rule),
    "condition": (DESK, at("/rules?form=qc", first("main a.t"))),
    "statistics": (DESK, at("/records/qc/stats?by=f.result")),
    "import": (DESK, at("/imports")),
    "import-mapping": (DESK, ledger),
    "import-rehearsal": (DESK, rehearsed),
    "taxonomies": (DESK, at("/config/taxonomies")),
    "configuration": (DESK, at("/config/transfer")),
    "api": (DESK, at("/config/api")),
    "flow-new": (DESK, at("/flows/new?template=claim_approval")),
    "flow-designer": (DESK, refunding("/flows/complaint_refund/design?node=lead")),
    "phone-flow-designer": (PHONE, refunding("/flows/complaint_refund/design")),
    "phone-flow-panel": (PHONE, refunding("/flows/complaint_refund/design?node=lead&view=panel")),
    "flow-trial": (DESK, trial),
    "todos": (DESK, ticked),
    "todos-confirm": (DESK, confirming),
    "phone-todos": (PHONE, refunding("/tasks?flow=complaint_refund")),
    "deciding": (DESK, deciding),
    "phone-deciding": (PHONE, deciding),
    "phone-public-form": (PHONE, public_form),
}


@contextmanager
def site() -> Iterator[str]:
    """Yield the address of a demonstration site that lasts as long as the pictures take."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    base = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as home:
        environ = os.environ | {
            "QTRACE_DATA_DIR": home, "QTRACE_BASE_URL": base, "QTRACE_DATABASE_URL": "", "QTRACE_RATE_FACTOR": "100",
        }  # fmt: skip
        qtrace = [sys.executable, "-m", "qtrace"]
        subprocess.run([*qtrace, "demo", "--orders", "6000"], env=environ, check=True, capture_output=True)
        server = subprocess.Popen([*qtrace, "serve", "--port", str(port), "--workers", "1"], env=environ)
        try:
            _wait(f"{base}/healthz")
            yield base
        finally:
            server.terminate()
            server.wait(30)


def _wait(url: str) -> None:
    for _try in range(300):
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(url)


def take(base: str, names: list[str]) -> None:
    """Take these pictures one after another, each logged in anew."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        for name in names:
            (width, height), walk = PICTURES[name]
            context = browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN", base_url=base)
            page = context.new_page()
            log_in(page, "admin" if name in ("api", "configuration") else "wangjing")
            walk(page)
            path = FOLDER / f"{name}.png"
            page.screenshot(path=path)
            Image.open(path).convert("RGB").quantize(256).save(path, optimize=True)
            print(f"{path} {path.stat().st_size // 1024} KB", flush=True)
            context.close()
        browser.close()


def main(names: list[str]) -> int:
    """Take the named pictures, or all."""
    unknown = set(names) - PICTURES.keys()
    if unknown:
        print(f"no picture {', '.join(sorted(unknown))}; there are {', '.join(PICTURES)}", file=sys.stderr)
        return 2
    with site() as base:
        take(base, names or list(PICTURES))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
