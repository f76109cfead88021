"""Figures: one line each, `NAME VALUE UNIT goal GOAL ok|short`, kept as JSON in var/figures."""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

FOLDER = Path("var") / "figures"


@dataclass(frozen=True)
class Figure:
    """One measured figure with its goal; `most` says whether the goal is an upper limit."""

    name: str
    value: float
    unit: str
    goal: float | None = None
    most: bool = True

    @property
    def good(self) -> bool:
        """Say whether the goal is met; without a goal it always is."""
        if self.goal is None:
            return True
        return self.value <= self.goal if self.most else self.value >= self.goal


class Sheet:
    """The figures of one run; printed as they come, written at the end."""

    def __init__(self, area: str) -> None:
        self.area = area
        self.figures: list[Figure] = []

    def add(self, name: str, value: float, unit: str, goal: float | None = None, *, most: bool = True) -> Figure:
        """Print a figure and keep it."""
        figure = Figure(f"{self.area}.{name}", round(value, 3), unit, goal, most)
        self.figures.append(figure)
        sign = "<=" if most else ">="
        target = "goal -" if goal is None else f"goal {sign}{goal:g}"
        print(f"{figure.name} {figure.value:g} {unit} {target} {'ok' if figure.good else 'short'}", flush=True)
        return figure

    def write(self, name: str = "") -> None:
        """Write var/figures/<name>.json, by default called as the area."""
        FOLDER.mkdir(parents=True, exist_ok=True)
        rows = [asdict(figure) | {"good": figure.good} for figure in self.figures]
        data = {"area": self.area, "at": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "figures": rows}
        (FOLDER / f"{name or self.area}.json").write_text(
            json.dumps(data, indent=1, ensure_ascii=False), encoding="utf-8"
        )
