"""Editable taxonomies and the rules that suggest a classification."""
