"""Figures and boards; every figure can open the records behind it."""
