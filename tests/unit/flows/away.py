"""Who stands in for whom on which day, for tests of the flow engine."""

from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Away:
    """A person is away from one day up to another, and a deputy decides meanwhile."""

    user: int
    deputy: int
    begins: int
    ends: int  # the first day the person is back


@dataclass
class Absences:
    """A calendar of absences; a person has one deputy at a time."""

    today: int = 0
    away: list[Away] = field(default_factory=list)

    def set(self, new: Away) -> bool:
        """Note an absence, unless the person has a deputy on one of these days already."""
        if new.user == new.deputy or any(
            one.user == new.user and one.begins < new.ends and new.begins < one.ends for one in self.away
        ):
            return False
        self.away.append(new)
        return True

    def deputy_of(self, user: int | None) -> int | None:
        """Return who decides today on what is the person's."""
        return next((one.deputy for one in self._now() if one.user == user), None)

    def come_back(self, user: int) -> bool:
        """End the person's absence today: what is still open is decided by the person again."""
        found = [one for one in self._now() if one.user == user]
        self.away = [replace(one, ends=self.today) if one in found else one for one in self.away]
        return bool(found)

    def pass_days(self, days: int) -> int:
        """Let days pass and return how many absences ended meanwhile."""
        running = self._now()
        self.today += days
        return sum(one.ends <= self.today for one in running)

    def _now(self) -> list[Away]:
        return [one for one in self.away if one.begins <= self.today < one.ends]
