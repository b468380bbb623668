"""`python -m eco2`."""

from eco2.cli import main

main()
