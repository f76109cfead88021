"""`python -m qtrace` is the `qtrace` command."""

from qtrace.cli import main

main()
