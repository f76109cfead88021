"""What the README claims about speed, size and robustness, as commands that print figures."""
