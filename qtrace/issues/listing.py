"""What the list page shows around its rows: tabs, filter menus and the line of facts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl

from flask_babel import gettext as _
from flask_babel import lazy_gettext
from werkzeug.datastructures import MultiDict

from qtrace.classification.controls import local_name
from qtrace.classification.models import Term
from qtrace.flows.stages import StageName
from qtrace.issues import queries
from qtrace.issues.filters import Filters, read_filters
from qtrace.issues.list_statements import CAP
from qtrace.issues.models import SavedView
from qtrace.issues.queries import Facets

MENU_LENGTH = 30
STATUS_NAMES = {
    "open": lazy_gettext("未关闭"),
    "closed": lazy_gettext("已关闭"),
    "terminated": lazy_gettext("已终止"),
    "all": lazy_gettext("全部状态"),
}


@dataclass(frozen=True)
class Tab:
    """A saved view with its count; own views can be deleted."""

    name: str
    query: str
    count: int
    active: bool
    view_id: int | None = None


MenuOption = tuple[str, str, str | None, bool]


@dataclass(frozen=True)
class Menu:
    """One filter with its values: (label, address, count, active)."""

    label: str
    active: str
    options: Sequence[MenuOption]


def list_filters(args: MultiDict[str, str]) -> Filters:
    """Read the filters of the list; without any, the open issues are meant."""
    filters = read_filters(args)
    if args.get("status") == "all":
        return replace(filters, status="all")
    return filters if filters else replace(filters, status="open")


def shipped_views(terms: Mapping[int, Term]) -> list[tuple[str, Filters]]:
    """Return the views every company starts with."""
    worst = next((term.code for term in terms.values() if term.kind == "severity"), "")
    return [
        (_("待处理"), Filters(status="open")),
        (_("我负责"), Filters(status="open", owner="me")),
        (_("重大未关闭"), Filters(status="open", severity=worst)),
        (_("超时"), Filters(status="open", overdue="1")),
        (_("本月已关闭"), Filters(status="closed", closed="month")),
    ]


def view_filters(view: SavedView) -> Filters:
    """Return the filters a saved view keeps."""
    return list_filters(MultiDict(parse_qsl(view.query)))


def view_tabs(
    filters: Filters, shipped: Sequence[tuple[str, Filters]], saved: Sequence[SavedView], found: Sequence[int]
) -> list[Tab]:
    """Return the tabs: the shipped views, then the saved ones."""
    now = filters.query()
    tabs = [
        Tab(name, wanted.query(), count, wanted.query() == now)
        for (name, wanted), count in zip(shipped, found, strict=False)
    ]
    for view, count in zip(saved, found[len(shipped) :], strict=False):
        own = view.id if view.user_id is not None else None
        tabs.append(Tab(view.name, view.query, count, view.query == now and not any(tab.active for tab in tabs), own))
    return tabs


def facet_menus(
    filters: Filters, found: Facets, terms: Mapping[int, Term], stages: Mapping[str, StageName]
) -> list[Menu]:
    """Return the filter menus with how many of the matches have each value."""
    more = "+" if found.partial else ""
    menus = [_status_menu(filters), _stage_menu(filters, found.stage, stages, more)]
    for name, label, kind, counter in (
        ("type", _("类型"), "type", found.type),
        ("severity", _("严重程度"), "severity", found.severity),
        ("party", _("责任方"), "responsible_party", found.party),
    ):
        tree = [term for term in terms.values() if term.kind == kind]
        menus.append(_term_menu(filters, name, label, tree, counter, more))
    return menus


def removable(filters: Filters) -> list[tuple[str, str]]:
    """Return the filters that have no menu, as chips: (text, address part without it)."""
    names = {
        "q": _("搜索"), "sku": "SKU", "supplier": _("供应商"), "lot": _("批次"), "order": _("订单"), "shop": _("店铺"),
        "courier_line": _("快递线路"), "owner": _("负责人"), "rule": _("规则"), "overdue": _("超时"), "ids": _("指定记录"),
        "opened_from": _("登记从"), "opened_to": _("登记到"), "closed_from": _("关闭从"), "closed_to": _("关闭到"),
        "closed": _("本月关闭"), "detection": _("发现环节"),
    }  # fmt: skip
    plain = {"overdue", "closed", "ids"}
    labels = queries.row_labels(filters) | ({"owner": _("我")} if filters.owner == "me" else {})
    chips = []
    for name, label in names.items():
        value = getattr(filters, name)
        if value:
            text = label if name in plain else _("%(label)s:%(value)s", label=label, value=labels.get(name, value))
            chips.append((text, filters.query(**{name: ""}) or "status=all"))
    return chips


def capped(count: int) -> str:
    """Return a count as it is shown: from 1000 on only that it is more."""
    return f"{CAP - 1}+" if count >= CAP else str(count)


def _status_menu(filters: Filters) -> Menu:
    chosen = filters.status or "all"
    options: list[MenuOption] = [
        (str(label), "?" + filters.query(status=key, stage=""), None, key == chosen)
        for key, label in STATUS_NAMES.items()
    ]
    return Menu(_("状态"), "" if chosen == "all" else str(STATUS_NAMES[chosen]), options)


def _stage_menu(filters: Filters, counter: Counter[str], stages: Mapping[str, StageName], more: str) -> Menu:
    options: list[MenuOption] = [
        (name.label, "?" + filters.query(stage=key), f"{counter[key]}{more}", key == filters.stage)
        for key, name in stages.items()
    ]
    active = stages[filters.stage].label if filters.stage in stages else filters.stage
    return _with_none(Menu(_("阶段"), active, options), filters, "stage")


def _term_menu(
    filters: Filters, name: str, label: str, terms: Sequence[Term], counter: Counter[int], more: str
) -> Menu:
    chosen = getattr(filters, name)
    chosen = next((term.code for term in terms if str(term.id) == chosen), chosen)
    ranked = sorted(terms, key=lambda term: (-counter[term.id], term.position, term.id))
    options: list[MenuOption] = [
        (local_name(term), "?" + filters.query(**{name: term.code}), f"{counter[term.id]}{more}", term.code == chosen)
        for term in ranked
        if counter[term.id] or term.code == chosen
    ]
    options = options[:MENU_LENGTH]
    if counter[0] or chosen == "none":
        options.append((_("未填"), "?" + filters.query(**{name: "none"}), f"{counter[0]}{more}", chosen == "none"))
    active = next((text for text, _query, _count, on in options if on), chosen)
    return _with_none(Menu(label, active, options), filters, name)


def _with_none(menu: Menu, filters: Filters, name: str) -> Menu:
    if not menu.active:
        return menu
    return replace(
        menu, options=[(_("不限"), "?" + (filters.query(**{name: ""}) or "status=all"), None, False), *menu.options]
    )
