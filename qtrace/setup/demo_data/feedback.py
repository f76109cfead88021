"""What came back: the reviews and after-sales of the sales."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from qtrace.sdk.records import AfterSale, Review
from qtrace.setup.demo_data import voices
from qtrace.setup.demo_data.sales import Sale, SoldLine
from qtrace.setup.demo_data.troubles import Trouble

_REVIEW_SHARE = 0.25
_REGRET_SHARE = 0.049
_STARS, _STAR_SHARES = (5, 4, 3), (76, 18, 6)
_REASON_CODES = {"douyin": "8{:04d}", "tmall": "{}", "pdd": "R{:03d}", "wechat": "1{:03d}"}


PLATFORM_REFUND, PLATFORM_RETURN = timedelta(hours=48), timedelta(days=5)  # how long platforms wait for the seller


@dataclass
class Feedback:
    """Turn sales and their troubles into what the platforms would report."""

    rng: Random
    cutoff: datetime
    _reviews: int = 0
    _aftersales: int = 0

    def of(self, sale: Sale, trouble: Trouble | None) -> list[Review | AfterSale]:
        """Return what the buyer of the sale sent: at most one review and one after-sale."""
        if trouble is not None:
            # Each complaint is voiced once, as a review or as a refund, so that it is counted once.
            return [self._bad_review(sale, trouble) if self.rng.random() < 0.42 else self._claim(sale, trouble)]
        found: list[Review | AfterSale] = []
        if not sale.lines or sale.order.delivered_at is None:
            return found
        line = sale.lines[self.rng.randrange(len(sale.lines))]
        if line.record.kind == "gift":
            line = sale.lines[0]
        if self.rng.random() < _REVIEW_SHARE:
            found += self._praise(sale, line, sale.order.delivered_at)
        if self.rng.random() < _REGRET_SHARE:
            found += self._regret(sale, line, sale.order.delivered_at)
        return found

    def _bad_review(self, sale: Sale, trouble: Trouble) -> Review:
        good = trouble.line.good
        stars = 1 if trouble.theme == "allergy" else self.rng.choice((1, 1, 2))
        text = voices.grievance(self.rng, trouble.theme, good.product.name)
        return self._review(sale, trouble.line, stars, text, trouble.at)

    def _praise(self, sale: Sale, line: SoldLine, delivered: datetime) -> list[Review]:
        at = delivered + timedelta(days=self.rng.randint(1, 14), minutes=self.rng.randint(1, 1400))
        if at >= self.cutoff:
            return []
        stars = self.rng.choices(_STARS, _STAR_SHARES)[0]
        text = voices.praise(self.rng, line.good.kind, line.good.product.name, stars)
        return [self._review(sale, line, stars, text, at)]

    def _review(self, sale: Sale, line: SoldLine, stars: int, text: str, at: datetime) -> Review:
        self._reviews += 1
        answered = at + timedelta(hours=self.rng.randint(1, 40)) if self.rng.random() < 0.5 else None
        return Review(
            external_id=f"PJ{at:%y%m%d}{self._reviews:06d}",
            order=sale.order.external_id,
            sku=line.good.sku,
            stars=stars,
            title=voices.title(stars),
            text=text,
            reviewed_at=at,
            answered_at=answered if answered and answered < self.cutoff else None,
        )

    def _claim(self, sale: Sale, trouble: Trouble) -> AfterSale:
        rng = self.rng
        reason = rng.choice(voices.THEMES[trouble.theme].reasons)
        kinds = ("reship",) if trouble.line.value == 0 else ("refund", "refund", "return", "return", "exchange")
        text = voices.grievance(rng, trouble.theme, trouble.line.good.product.name)
        return self._aftersale(sale, trouble.line, (rng.choice(kinds), reason, text), trouble.at)

    def _regret(self, sale: Sale, line: SoldLine, delivered: datetime) -> list[AfterSale]:
        at = delivered + timedelta(days=self.rng.randint(0, 6), minutes=self.rng.randint(30, 1400))
        if at >= self.cutoff:
            return []
        reason = self.rng.choices(voices.REGRETS, voices.REGRET_SHARES)[0]
        # A kit goes back whole; a part of it is never returned for want of love.
        whole = sale.lines[0] if line.record.kind == "component" else line
        return [self._aftersale(sale, whole, ("return", reason, ""), at)]

    def _aftersale(self, sale: Sale, line: SoldLine, what: tuple[str, voices.Reason, str], at: datetime) -> AfterSale:
        self._aftersales += 1
        kind, reason, text = what
        closed = at + timedelta(hours=self.rng.randint(3, 150))
        refund = line.value if kind in ("refund", "return") else Decimal(0)
        if kind == "refund" and self.rng.random() < 0.4:
            refund = (refund / 2).quantize(Decimal("0.01"))
        return AfterSale(
            external_id=f"SH{at:%y%m%d}{self._aftersales:06d}",
            order=sale.order.external_id,
            line=line.record.external_id,
            kind=kind,
            reason_code=_REASON_CODES[sale.shop].format(reason.code),
            reason=reason.words,
            text=text,
            refund=refund,
            freight=Decimal(self.rng.choice((8, 10, 12))) if reason.quality and kind != "refund" else Decimal(0),
            opened_at=at,
            closed_at=closed if closed < self.cutoff else None,
            platform_due_at=at + (PLATFORM_RETURN if kind == "return" else PLATFORM_REFUND),
        )
