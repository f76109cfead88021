"""When lots are looked at more or less closely: the switching rules of GB/T 2828.1-2012, clause 9.3 and 9.4.

A series belongs to one supplier, one article and one class of nonconformity. What a lot changes holds from the next one.
"""

from dataclasses import dataclass, replace

from qtrace.inspections.sampling import State

WINDOW = 5  # lots that are looked back at
REFUSED_TO_TIGHTEN = 2
ACCEPTED_TO_NORMAL = 5
REFUSED_TO_STOP = 5
SCORE_TO_RELAX = 30
SCORE_OF_LARGE, SCORE_OF_SMALL = 3, 2
SMALL_AC = 1


@dataclass(frozen=True)
class Series:
    """Where a series stands: what holds for its next lot, and what counts towards a change."""

    state: State = State.NORMAL
    score: int = 0  # the switching score, on normal inspection only
    recent: tuple[bool, ...] = ()  # whether the last lots in this state were accepted, the newest last
    refused: int = 0  # not accepted in all since inspection was tightened
    steady: bool = False  # production runs steadily
    agreed: bool = False  # whoever is responsible wants reduced inspection

    @property
    def may_relax(self) -> bool:
        """Say whether reduced inspection waits only for somebody to agree."""
        return self.state == State.NORMAL and self.score >= SCORE_TO_RELAX


@dataclass(frozen=True)
class LotResult:
    """What the inspection of one lot said of one class."""

    accepted: bool
    ac: int
    tighter: bool = False  # it would have been accepted at the AQL one step tighter, too
    original: bool = True  # False: the lot was refused before and is shown again


def after(series: Series, lot: LotResult) -> Series:
    """Return the series as it stands for the next lot; a lot shown again changes nothing."""
    if not lot.original or series.state == State.DISCONTINUED:
        return series
    seen = replace(series, recent=(*series.recent, lot.accepted)[-WINDOW:])
    match series.state:
        case State.TIGHTENED:
            return _after_tightened(seen, lot)
        case State.REDUCED:
            return seen if lot.accepted else Series()
        case _:
            return _after_normal(seen, lot)


def agree(series: Series, *, steady: bool) -> Series:
    """Return the series once somebody agreed to reduced inspection, and said whether production is steady."""
    if series.state != State.NORMAL:
        return series
    return _relaxed(replace(series, agreed=True, steady=steady))


def unsettle(series: Series) -> Series:
    """Return the series once production is no longer steady: reduced inspection ends."""
    if series.state == State.REDUCED:
        return Series()
    return replace(series, steady=False, agreed=False)


def resume(series: Series) -> Series:
    """Return a stopped series that begins again, tightened; any other one as it is."""
    return Series(state=State.TIGHTENED) if series.state == State.DISCONTINUED else series


def _after_normal(series: Series, lot: LotResult) -> Series:
    if series.recent.count(False) >= REFUSED_TO_TIGHTEN:
        return Series(state=State.TIGHTENED)
    return _relaxed(replace(series, score=_score(series.score, lot)))


def _after_tightened(series: Series, lot: LotResult) -> Series:
    if len(series.recent) == ACCEPTED_TO_NORMAL and all(series.recent):
        return Series()
    refused = series.refused + (not lot.accepted)
    state = State.DISCONTINUED if refused >= REFUSED_TO_STOP else State.TIGHTENED
    return replace(series, refused=refused, state=state)


def _score(score: int, lot: LotResult) -> int:
    if lot.ac > SMALL_AC:
        return score + SCORE_OF_LARGE if lot.accepted and lot.tighter else 0
    return score + SCORE_OF_SMALL if lot.accepted else 0


def _relaxed(series: Series) -> Series:
    if series.may_relax and series.steady and series.agreed:
        return Series(state=State.REDUCED, steady=True, agreed=True)
    return series
