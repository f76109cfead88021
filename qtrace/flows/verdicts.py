"""What the voices of a node make together: six ways to count, each with a result or none yet."""

from collections.abc import Sequence
from fractions import Fraction

from qtrace.flows.definition import Signing
from qtrace.flows.state import Seat, Verdict


def verdict_of(seat: Seat) -> Verdict | None:
    """Return what the voice came to: rejected by anybody in it, agreed when everybody has."""
    signed = [entry for entry in seat.chain if entry.kind == "sign" and entry.state != "gone"]
    if any(entry.verdict == "reject" for entry in signed):
        return "reject"
    return "approve" if signed and all(entry.verdict == "approve" for entry in signed) else None


def result_of(signing: Signing, seats: Sequence[Seat]) -> Verdict | None:
    """Return the node's result, or None while it is open.

    any, random, claim: the first voice decides. all: the first rejection, or agreement of all. ratio, weighted: agreed
    once the asked share (of people, of weights) agrees, rejected once it can no longer be reached. Those who joined all
    have to agree before, and any of them may reject.
    """
    first = [verdict_of(seat) for seat in seats if seat.joined]
    if "reject" in first:
        return "reject"
    if None in first:
        return None
    named = [seat for seat in seats if not seat.joined]
    return _named(signing, named) if named else "approve"


def _named(signing: Signing, seats: Sequence[Seat]) -> Verdict | None:
    found = [(1 if signing.mode == "ratio" else seat.weight, verdict_of(seat)) for seat in seats]
    if signing.mode in {"any", "random", "claim"}:
        return next((verdict for _weight, verdict in found if verdict), None)
    if signing.mode == "all":
        if any(verdict == "reject" for _weight, verdict in found):
            return "reject"
        return "approve" if all(verdict == "approve" for _weight, verdict in found) else None
    return _share(found, Fraction(signing.percent, 100))


def _share(found: Sequence[tuple[int, Verdict | None]], asked: Fraction) -> Verdict | None:
    whole = sum(weight for weight, _verdict in found)
    agreed = sum(weight for weight, verdict in found if verdict == "approve")
    open_still = sum(weight for weight, verdict in found if verdict is None)
    if agreed >= asked * whole:
        return "approve"
    return "reject" if agreed + open_still < asked * whole else None
