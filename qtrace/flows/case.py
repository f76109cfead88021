"""What a flow needs to know of its subject."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """Where the subject is, what it is called, who started it, in which department."""

    subject: tuple[str, int]
    title: str
    url: str
    initiator_id: int | None
    department_id: int | None
