"""The story of one flow: drawn, published and bound to complaints, then signed on a phone, from a mail and by a deputy.

Three departments countersign refunds over a limit. The quality lead signs with a thumb, the warehouse from the link of
its mail, and for purchasing somebody stands in, who ticks several and signs them together. Then the refund is late.
"""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from qtrace.app import create_app
from qtrace.core.db import db
from qtrace.flows.models import FlowInstance, FlowTimer
from qtrace.flows.timers import do_batch
from tests.browser.pages import Camera, OpenPage, add, choose, let_mail_out, link_in, log_in, press, reach_by_mail
from tests.factories.post import Sink

pytestmark = pytest.mark.browser
FLOW, SIGN, PAY = "大额退款会签", "三个部门会签", "退款给买家"
DEPARTMENTS, SIGNERS = ("质量部", "仓储部", "采购部"), ("王静", "李工", "周敏")
LEAKS, BROKEN, SHORT, SMALL = "一箱 12 瓶漏了 5 瓶", "整箱压碎,要求全退", "大促少发两箱", "瓶盖松了一个"
AMOUNTS = {LEAKS: "268", BROKEN: "520.50", SHORT: "1,299", SMALL: "19.9"}


def test_a_flow_is_drawn_and_signed_on_a_phone_from_a_mail_and_by_a_deputy(
    open_page: OpenPage, chromium: Browser, site: str, home: Path, post: Sink
) -> None:
    lead, clerk = open_page(1280), open_page(1280, username="chenxiao")
    key = draw(lead)
    begin_for_complaints(lead, key)
    let_mail_out(open_page(1280, username="admin"))
    reach_by_mail(open_page(1280, username="ligong"), "li@example.com")
    let_stand_in(open_page(1280, username="zhoumin"), "赵总")

    urls = {text: complain(clerk, text, amount) for text, amount in AMOUNTS.items()}
    expect(clerk.locator("#case-flow")).to_contain_text(PAY)  # below the limit nobody is asked
    expect(clerk.locator("#case-flow")).not_to_contain_text("王静")
    clerk.goto(urls[LEAKS])
    for who in SIGNERS:
        expect(clerk.locator("#case-flow")).to_contain_text(f"{SIGN} {who}")
    Camera(clerk, 1280).both("flow-4-complaint")

    sign_with_a_thumb(open_page(360, height=740))
    sign_from_a_mail(chromium, site, link_in(post, lead, "li@example.com", LEAKS))
    sign_together(open_page(1280, username="zhaozong"))

    for text, waits in ((LEAKS, PAY), (BROKEN, f"{SIGN} 王静"), (SHORT, f"{SIGN} 周敏")):
        clerk.goto(urls[text])
        expect(clerk.locator("#case-flow")).to_contain_text(waits)
    clerk.goto(urls[LEAKS])
    clerk.get_by_test_id("decide").click()
    clerk.wait_for_url("**/decision")
    for who in ("王静", "李工", "周敏（赵总 代）"):
        expect(clerk.locator("#history")).to_contain_text(f"{who} 同意 {SIGN}")
    expect(clerk.locator("#history")).to_contain_text("装箱没问题,是瓶盖")

    be_late(home, site)
    phone = open_page(360, username="chenxiao", height=740)
    told(phone, LEAKS, "已超时,这是第 1 次提醒")
    Camera(phone, 360)("flow-8-reminded")
    told(lead, LEAKS, "超时没有办,升级到您这里")
    Camera(lead, 1280)("flow-8-escalated")
    lead.goto(urls[LEAKS])
    for words in ("周敏（赵总 代） 同意", "已到期限,提醒 陈晓", "超过期限,上报 王静"):
        expect(lead.locator("#timeline")).to_contain_text(words)

    clerk.fill("#note", "已原路退回")
    clerk.get_by_test_id("approve").click()
    clerk.wait_for_url(re.compile(r"/$"))
    clerk.goto(urls[LEAKS])
    expect(clerk.locator("#case-flow")).to_contain_text("已办结")
    Camera(clerk, 1280).both("flow-9-closed")
    end_for_complaints(lead, key)


def draw(page: Page) -> str:
    """Draw the flow, the first half with the mouse and the rest with the keyboard, publish it and return its key."""
    shot = Camera(page, 1280)
    page.goto("/flows/new?template=blank")
    page.fill("[name=name]", FLOW)
    page.get_by_test_id("design-flow").click()
    add(page, "发起", "branch", keys=False)
    page.locator(".fd-way-head", has_text="条件 1").click()
    choose(page, "#when-0-field", "涉及金额(元)", keys=False)
    choose(page, "#when-0-op", "大于", keys=False)
    page.fill("#when-0-value", "200")
    page.press("#when-0-value", "Tab")
    expect(page.locator(".fd-way-head", has_text="条件 1")).to_contain_text("涉及金额(元) > 200")
    page.get_by_label("在这条分支的开头添加").first.click()
    page.click("#add-countersign")
    for n, department in enumerate(DEPARTMENTS):
        choose(page, f"#who-{n}-kind", "一个部门的人", keys=False)
        choose(page, f"#who-{n}-value", department, keys=False)
        expect(page.locator(".fd-card.on")).to_contain_text(department)
    name(page, SIGN)
    add(page, "条件分支", "handle", keys=True)
    name(page, PAY)
    choose(page, "#who-0-kind", "一个部门的人", keys=True)
    expect(page.locator("#who-0-value")).to_be_visible()
    choose(page, "#who-0-value", "客服部", keys=True)
    expect(page.locator(".fd-card.on")).to_contain_text("客服部")
    page.fill("#due", "4")
    choose(page, "[name=due_unit]", "工作小时", keys=True)
    expect(page.locator(".fd-card.on")).to_contain_text("4 工作小时")
    press(page, page.locator("#props-advanced > summary"), keys=True)
    page.fill("#reminders", "1")
    page.press("#reminders", "Tab")
    expect(page.locator("#undo")).to_contain_text(PAY)
    expect(page.locator(".fd-wrong")).to_have_count(0)
    shot.both("flow-1-designer")
    press(page, page.locator("#to-impact"), keys=True)
    page.get_by_test_id("publish").click()
    expect(page.locator("#versions")).to_contain_text("第 1 版")
    expect(page.locator("main")).to_contain_text("提醒 1 次后告诉上级")
    shot.both("flow-2-published")
    key = re.search(r"/flows/(\w+)", page.url)
    assert key is not None
    return key[1]


def name(page: Page, called: str) -> None:
    """Give the node that is open another name."""
    page.fill("#name_zh", called)
    page.press("#name_zh", "Tab")
    expect(page.locator(".fd-card.on b")).to_have_text(called)


def begin_for_complaints(page: Page, key: str) -> None:
    """Let the flow begin by itself for complaints of any amount."""
    page.goto(f"/flows/{key}")
    page.get_by_role("link", name="自动开始").click()
    page.locator("a", has_text="客诉").last.click()
    page.get_by_test_id("save-start").click()
    expect(page.locator("#starts")).to_contain_text("客诉 全部")
    Camera(page, 1280)("flow-3-starts")


def end_for_complaints(page: Page, key: str) -> None:
    """Let the flow no longer begin by itself."""
    page.goto(f"/flows/{key}/starts")
    page.locator("#starts").get_by_text("取消").click()
    page.locator("dialog[open] .btn.pri").click()
    expect(page.locator("#starts")).to_contain_text("不自动开始")


def let_stand_in(page: Page, deputy: str) -> None:
    """Let a colleague stand in for some days."""
    page.goto("/me/stand-ins")
    page.select_option("#deputy_id", label=deputy)
    page.fill("#ends", (datetime.now(UTC) + timedelta(days=2)).date().isoformat())
    page.click("main form .btn.pri")
    expect(page.locator("main")).to_contain_text(f"周敏 由 {deputy} 代理")


def complain(page: Page, text: str, amount: str) -> str:
    """Record a complaint a buyer told by phone and return its address."""
    page.goto("/complaints/new")
    page.fill("#text", text)
    page.fill("#amount", amount)
    page.get_by_test_id("save-complaint").click()
    page.wait_for_url(re.compile(r"/complaints/CP-"))
    return page.url


def sign_with_a_thumb(phone: Page) -> None:
    """Agree with one of the two big buttons at the bottom of a phone."""
    shot = Camera(phone, 360)
    phone.goto(f"/tasks?q={LEAKS[:2]}")
    shot("flow-5-todos")
    phone.locator(".todo", has_text=LEAKS).get_by_text("去审批").click()
    phone.wait_for_url("**/decision")
    expect(phone.locator("#case")).to_contain_text("268.00")
    shot("flow-5-decision")
    assert phone.evaluate("document.documentElement.scrollWidth") == 360
    boxes = [phone.locator(".decide-bar .btn", has_text=word).bounding_box() for word in ("驳回", "同意")]
    assert all(box and box["height"] >= 44 and box["width"] >= 150 and box["y"] + box["height"] <= 740 for box in boxes)
    phone.get_by_test_id("approve").click()
    phone.wait_for_url(re.compile(r"/$"))


def sign_from_a_mail(chromium: Browser, site: str, link: str) -> None:
    """Open the link of the mail: nothing is seen before the login, nothing by others, and after it the decision."""
    other = chromium.new_context(viewport={"width": 360, "height": 740}, locale="zh-CN").new_page()
    other.goto(link)
    expect(other.locator("body")).not_to_contain_text("退款")
    log_in(other, "sunlei")
    expect(other.locator("h1")).to_have_text("这个链接是发给别人的")
    other.context.close()
    phone = chromium.new_context(viewport={"width": 360, "height": 740}, locale="zh-CN").new_page()
    phone.goto(link)
    log_in(phone, "ligong")
    phone.wait_for_url("**/decision")
    expect(phone.locator("#case")).to_contain_text(LEAKS)
    phone.fill("#note", "装箱没问题,是瓶盖")
    Camera(phone, 360)("flow-6-from-the-mail")
    phone.get_by_test_id("approve").click()
    phone.wait_for_url(re.compile(r"/$"))
    phone.goto(link)
    expect(phone.locator("h1")).to_have_text("这件事已经有人办了")
    phone.context.close()


def sign_together(deputy: Page) -> None:
    """Tick two of the three, read the list and agree to both for the one who is away."""
    shot = Camera(deputy, 1280)
    deputy.goto("/tasks")
    for text in (LEAKS, BROKEN):
        deputy.get_by_label(f"勾选 {text}").check()
    expect(deputy.locator("[data-count]")).to_have_text("2")
    shot.both("flow-7-ticked")
    deputy.click("text=一起同意…")
    expect(deputy.locator("h1")).to_have_text("确认:同意 2 件")
    expect(deputy.locator("ol .todo", has_text="代 周敏")).to_have_count(2)
    expect(deputy.locator("main")).not_to_contain_text(SHORT)
    deputy.fill("#note", "供应商认账")
    shot.both("flow-7-confirm")
    deputy.click("text=同意这 2 件")
    expect(deputy.locator(".banner.ok")).to_contain_text("2 件全部办成")
    shot("flow-7-results")


def be_late(home: Path, site: str) -> None:
    """Let the time of the refund pass twice, and do what is due then, as the worker does every minute."""
    app = create_app(environ={"QTRACE_DATA_DIR": str(home), "QTRACE_BASE_URL": site})
    with app.app_context():
        latest = select(FlowInstance.id).where(FlowInstance.title == LEAKS).order_by(FlowInstance.id.desc()).limit(1)
        for _time in range(2):
            due = db.session.scalars(
                select(FlowTimer.at).where(FlowTimer.instance_id == latest.scalar_subquery())
            ).one()
            db.session.remove()
            with time_machine.travel(due, tick=False):
                while do_batch(due):
                    pass


def told(page: Page, title: str, words: str) -> None:
    """Find a notice in the inbox."""
    page.goto("/inbox")
    expect(page.locator(".notice", has_text=title).filter(has_text=words)).to_have_count(1)
