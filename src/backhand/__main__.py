"""`python -m backhand`."""

from backhand.cli.app import main

main()
