"""A generated cosmetics-and-apparel company, the same for the same seed, with problems planted to be found."""

from qtrace.setup.demo_data.company import Demo, generate
from qtrace.setup.demo_data.names import Department, Person, ShopSeed
from qtrace.setup.demo_data.planted import BadLot, CarelessLine, Findings, Planted, SolvedProblem, WrongListing
from qtrace.setup.demo_data.voices import QUALITY_REASONS

__all__ = [
    "QUALITY_REASONS",
    "BadLot",
    "CarelessLine",
    "Demo",
    "Department",
    "Findings",
    "Person",
    "Planted",
    "ShopSeed",
    "SolvedProblem",
    "WrongListing",
    "generate",
]
