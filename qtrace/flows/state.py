"""Where a case stands in its flow, what was decided, and what must happen next: plain values, no behaviour."""

from dataclasses import dataclass
from typing import Literal

Status = Literal["running", "closed", "rejected", "terminated", "withdrawn"]
EntryKind = Literal["sign", "opinion"]
EntryState = Literal["waiting", "open", "done", "gone"]
Verdict = Literal["approve", "reject"]


@dataclass(frozen=True)
class Entry:
    """One person's turn; `pool` are those who may claim it, `auto` one nobody had to decide."""

    id: int
    user: int | None
    kind: EntryKind = "sign"
    state: EntryState = "waiting"
    verdict: Verdict | None = None
    by: int | None = None
    pool: tuple[int, ...] = ()
    added_by: int | None = None
    auto: bool = False


@dataclass(frozen=True)
class Seat:
    """One voice of a node: whoever was added before, the person itself, whoever was added after.

    `joined` is one the flow does not name: it is heard first, and must agree before those the flow names are asked.
    """

    chain: tuple[Entry, ...]
    weight: int = 1
    joined: bool = False


@dataclass(frozen=True)
class Token:
    """One live place of a case; `forks` are the open forks it stands in, outermost first.

    `straight_to` is where it goes when it is done, instead of the next node: back to who returned it.
    """

    id: int
    node: str
    forks: tuple[int, ...] = ()
    seats: tuple[Seat, ...] = ()
    straight_to: str = ""
    reminded: int = 0


@dataclass(frozen=True)
class Fork:
    """A split whose branches run at once, open until all that were taken have come to their end."""

    id: int
    node: str
    taken: tuple[str, ...]
    done: tuple[str, ...] = ()


@dataclass(frozen=True)
class TakeBack:
    """What the last decision changed, as long as nobody has acted on it."""

    entry: int
    by: int
    tokens: tuple[Token, ...]
    forks: tuple[Fork, ...]
    visits: tuple[str, ...]
    approved: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class State:
    """Where an instance stands; `visits` are the nodes it entered, `approved` who agreed where, `version` its changes.

    `moved` is the version at which it last came to another node: until then, what a page showed still holds. `chosen` are the people somebody picked for a node that asks for it, `joined` those who sign at a node besides whom it names.
    """

    status: Status
    initiator: int | None
    version: int = 1
    moved: int = 1
    next_id: int = 1
    tokens: tuple[Token, ...] = ()
    forks: tuple[Fork, ...] = ()
    visits: tuple[str, ...] = ()
    approved: tuple[tuple[str, int], ...] = ()
    chosen: tuple[tuple[str, tuple[int, ...]], ...] = ()
    joined: tuple[tuple[str, tuple[int, ...]], ...] = ()
    touched: bool = False
    last: TakeBack | None = None


# What somebody does ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Decide:
    """Agree, reject, or hand in what was to be done; `target` is read where the node lets the person choose."""

    entry: int
    by: int
    verdict: Verdict = "approve"
    note: str = ""
    target: str = ""
    chosen: tuple[tuple[str, tuple[int, ...]], ...] = ()
    signed: bool = False


@dataclass(frozen=True)
class Return:
    """Send it back to a node before, to the nearest one without a target."""

    entry: int
    by: int
    note: str
    target: str = ""


@dataclass(frozen=True)
class Withdraw:
    """The initiator takes the whole case back."""

    by: int
    note: str = ""


@dataclass(frozen=True)
class TakeItBack:
    """Undo one's own last decision while nobody has acted on it."""

    entry: int
    by: int


@dataclass(frozen=True)
class Transfer:
    """Give one's turn to somebody else for good."""

    entry: int
    by: int
    to: int
    note: str = ""


@dataclass(frozen=True)
class Delegate:
    """Ask somebody else first; the turn comes back with an opinion."""

    entry: int
    by: int
    to: int
    note: str = ""


@dataclass(frozen=True)
class AddSigners:
    """Let others sign before or after oneself, one after another."""

    entry: int
    by: int
    users: tuple[int, ...]
    place: Literal["before", "after"] = "before"
    note: str = ""


@dataclass(frozen=True)
class RemoveSigner:
    """Take somebody out who has not signed yet: one's own addition, or any voice as the flow's keeper."""

    entry: int
    by: int
    keeper: bool = False
    note: str = ""


@dataclass(frozen=True)
class Join:
    """Let others sign at a node the case has not come to, besides whom it names; or take them out again (`leave`)."""

    by: int
    target: str
    users: tuple[int, ...]
    note: str = ""
    leave: bool = False


@dataclass(frozen=True)
class Claim:
    """Take a turn out of its pool; `admitted` are those who joined the pool's role since it was made."""

    entry: int
    by: int
    admitted: bool = False


@dataclass(frozen=True)
class Release:
    """Put a claimed turn back into its pool."""

    entry: int
    by: int


@dataclass(frozen=True)
class HandOver:
    """Give all turns of one person to another, or to the head where nobody is named (the person has left)."""

    user: int
    to: int | None = None
    by: int | None = None


@dataclass(frozen=True)
class TimedOut:
    """The node's time is up."""

    token: int


@dataclass(frozen=True)
class Signal:
    """What a waiting node waited for has come: it goes on, or what it tried has failed."""

    token: int
    passed: bool = True
    target: str = ""
    note: str = ""


@dataclass(frozen=True)
class Finish:
    """End the case from wherever it stands: closed early, or without a result."""

    by: int | None
    status: Literal["closed", "terminated"]
    note: str = ""


@dataclass(frozen=True)
class Jump:
    """Put the whole case on a node; only for the flow's keeper, and recorded."""

    by: int
    target: str
    note: str


@dataclass(frozen=True)
class Reopen:
    """Let an ended case run again."""

    by: int
    note: str
    target: str = ""


@dataclass(frozen=True)
class Move:
    """Let the running case go on under another version of its flow; versions are told by their numbers."""

    by: int
    old: int
    new: int


Operation = (
    Decide | Return | Withdraw | TakeItBack | Transfer | Delegate | AddSigners | RemoveSigner | Join | Claim
    | Release | HandOver | TimedOut | Signal | Finish | Jump | Reopen | Move
)  # fmt: skip


# What must happen in the same transaction, in order ------------------------------------------------------------------


@dataclass(frozen=True)
class Entered:
    """A token came to a node."""

    token: int
    node: str


@dataclass(frozen=True)
class Left:
    """A token left its node: passed, rejected, returned, or cancelled with the rest."""

    token: int
    node: str
    how: Literal["passed", "rejected", "returned", "cancelled", "nobody"]


@dataclass(frozen=True)
class OpenTask:
    """Give a person, or the pool, a to-do."""

    entry: int
    token: int
    node: str
    user: int | None
    pool: tuple[int, ...] = ()
    kind: EntryKind = "sign"


@dataclass(frozen=True)
class CloseTask:
    """The to-do is done, or nobody needs it any more."""

    entry: int
    done: bool


@dataclass(frozen=True)
class Assigned:
    """The to-do is now this person's, or the pool's again."""

    entry: int
    user: int | None


@dataclass(frozen=True)
class Copied:
    """Show the case to these people."""

    node: str
    users: tuple[int, ...]


@dataclass(frozen=True)
class Wait:
    """Arrange for the signal the node waits for: a timer, an automatic step, a subflow."""

    token: int
    node: str


@dataclass(frozen=True)
class Remind:
    """Tell these people that the time is up, for the `times`-th time."""

    token: int
    node: str
    users: tuple[int, ...]
    times: int


@dataclass(frozen=True)
class Escalate:
    """Tell those above that the time is up and reminders did not help."""

    token: int
    node: str
    users: tuple[int, ...]


@dataclass(frozen=True)
class Ended:
    """The case ended."""

    status: Status


@dataclass(frozen=True)
class Reopened:
    """The ended case runs again from the node."""

    node: str


Effect = (
    Entered | Left | OpenTask | CloseTask | Assigned | Copied | Wait | Remind | Escalate | Ended | Reopened
)  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """The new state and its effects."""

    state: State
    effects: tuple[Effect, ...]
