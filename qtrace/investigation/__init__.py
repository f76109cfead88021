"""Causes, actions and the proof that an action worked."""
