"""The one condition language: a tree, its evaluation in Python, its translation to SQL and its sentence."""
