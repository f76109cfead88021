"""Commands for those who build qtrace."""
