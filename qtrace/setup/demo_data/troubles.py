"""What is wrong in the demo company: the planted truths, and which order lines suffer from them."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random

from qtrace.setup.demo_data.goods import CARDIGAN, SERUM, TOTE
from qtrace.setup.demo_data.sales import CARELESS_LINE, CHINA, Sale, SoldLine

# Aims are a little above the rates promised: the newest parcels had no time to draw a complaint.
_BAD_LOT_AIM = 0.094
_OTHER_LOT_AIM = 0.004
_LISTING_AIM = 0.136
_ZIPPER_AIM = 0.053
_ZIPPER_AFTER_AIM = 0.003
_DAMAGE_AIM = 0.064
_USUAL_AIM = 0.009
_SAFETY_EVERY = 12

_USUAL_THEMES = {
    "skin": (("texture", 4), ("pump", 3), ("damage", 2), ("missing", 2), ("slow", 1)),
    "makeup": (("pump", 4), ("texture", 2), ("damage", 2), ("missing", 2), ("slow", 1)),
    "lipstick": (("stick", 4), ("damage", 1), ("missing", 2), ("slow", 1)),
    "powder": (("powder", 4), ("damage", 2), ("missing", 2), ("slow", 1)),
    "hair": (("pump", 4), ("texture", 2), ("damage", 2), ("missing", 2), ("slow", 1)),
    "apparel": (("pilling", 4), ("thread", 4), ("stain", 2), ("missing", 2), ("slow", 1)),
    "bag": (("thread", 3), ("smell", 3), ("stain", 2), ("missing", 1), ("slow", 1)),
    "accessory": (("thread", 4), ("stain", 2), ("missing", 2), ("slow", 1)),
    "gift": (("missing", 3), ("damage", 1)),
}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The days on which the planted truths begin and end."""

    today: date
    starts_on: date
    bad_lot_from: date
    complaints_from: date
    line_since: date
    listing_since: date
    zipper_from: date
    zipper_effective_on: date

    def opening_days(self) -> dict[str, list[date]]:
        """Return the days on which lots of the planted articles must be opened."""
        return {SERUM: [self.bad_lot_from, self.today], TOTE: [self.zipper_from, self.zipper_effective_on]}


@dataclass(frozen=True, kw_only=True)
class Lots:
    """The numbers of the two planted lots."""

    leaking: str
    zipper: str


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """A complaint to be voiced: about which line, on what theme, and when."""

    line: SoldLine
    theme: str
    at: datetime


@dataclass
class Troubles:
    """Choose the sales that draw a complaint so that every planted rate is met closely at any size."""

    plan: Plan
    lots: Lots
    rng: Random
    _owed: dict[str, float] = field(default_factory=dict)
    _leaks: int = 0

    def of(self, sale: Sale) -> Trouble | None:
        """Return the complaint this sale draws, if any; a sale draws at most one."""
        delivered = sale.order.delivered_at
        if delivered is None or not sale.lines:
            return None
        found: Trouble | None = None
        for line in sale.lines:
            if line.record.kind != "kit":
                found = found or self._of_line(sale, line, delivered)
        return found or self._of_route(sale, delivered)

    def _of_line(self, sale: Sale, line: SoldLine, delivered: datetime) -> Trouble | None:
        stratum, theme, aim = self._stratum(line, _placed_on(sale))
        at = delivered + timedelta(days=self.rng.randint(1, 7), minutes=self.rng.randint(1, 1400))
        earliest = self.plan.complaints_from
        if theme == "leak" and line.true_lot == self.lots.leaking and _day(at) < earliest:
            at += timedelta(days=(earliest - _day(at)).days + self.rng.randint(0, 9))
        too_late = self.plan.zipper_effective_on if stratum == "zipper" else self.plan.today
        # Lines whose lot nobody recorded are counted apart, so that the rate a lot shows is the one planted.
        if not self._is_due(f"{stratum} {bool(line.record.lot)}", aim, possible=_day(at) < too_late):
            return None
        return Trouble(line=line, theme=self._theme(line, theme), at=at)

    def _stratum(self, line: SoldLine, placed_on: date) -> tuple[str, str, float]:
        sku = line.good.sku
        if sku == SERUM and line.true_lot == self.lots.leaking:
            found = ("leak", "leak", _BAD_LOT_AIM)
        elif sku == SERUM:
            found = ("other lots", "leak", _OTHER_LOT_AIM)
        elif sku == CARDIGAN and placed_on >= self.plan.listing_since:
            found = ("listing", "mismatch", _LISTING_AIM)
        elif sku == TOTE and line.true_lot == self.lots.zipper:
            found = ("zipper", "zipper", _ZIPPER_AIM)
        elif sku == TOTE:
            found = ("zipper after", "zipper", _ZIPPER_AFTER_AIM)
        else:
            found = ("usual", "", _USUAL_AIM)
        return found

    def _of_route(self, sale: Sale, delivered: datetime) -> Trouble | None:
        careless = any(parcel.line == CARELESS_LINE for parcel in sale.shipments)
        if not careless or _placed_on(sale) < self.plan.line_since:
            return None
        at = delivered + timedelta(hours=self.rng.randint(2, 60))
        if not self._is_due("route", _DAMAGE_AIM, possible=_day(at) < self.plan.today):
            return None
        return Trouble(line=sale.lines[0], theme="damage", at=at)

    def _is_due(self, stratum: str, aim: float, *, possible: bool) -> bool:
        owed = self._owed.get(stratum, 0.5) + aim
        due = owed >= 1 and possible
        self._owed[stratum] = owed - 1 if due else owed
        return due

    def _theme(self, line: SoldLine, theme: str) -> str:
        if theme == "leak" and line.true_lot == self.lots.leaking:
            self._leaks += 1
            return "allergy" if self._leaks % _SAFETY_EVERY == 3 else "leak"
        if theme:
            return theme
        usual = _USUAL_THEMES[line.good.kind]
        return self.rng.choices(usual, [share for _, share in usual])[0][0]


def plan_of(today: date) -> Plan:
    """Return when each planted truth happens, counted back from today."""
    return Plan(
        today=today,
        starts_on=today - timedelta(days=548),
        bad_lot_from=today - timedelta(days=70),
        complaints_from=today - timedelta(days=55),
        line_since=today - timedelta(days=120),
        listing_since=today - timedelta(days=90),
        zipper_from=today - timedelta(days=300),
        zipper_effective_on=today - timedelta(days=180),
    )


def _placed_on(sale: Sale) -> date:
    placed = sale.order.placed_at
    assert placed is not None  # a sale that was delivered was placed
    return _day(placed)


def _day(moment: datetime) -> date:
    return moment.astimezone(CHINA).date()
