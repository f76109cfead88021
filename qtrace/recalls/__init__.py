"""Goods held back and called back: holds with their confirmations, recalls with their progress, timed drills."""
