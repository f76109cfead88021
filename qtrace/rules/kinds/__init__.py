"""The kinds of rules the product ships, one small file per family; each is data with one function."""
