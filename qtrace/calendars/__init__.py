"""Business time: editable work calendars, due times, and clocks as intervals."""
