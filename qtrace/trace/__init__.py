"""Links with method and confidence; walk them in both directions."""
