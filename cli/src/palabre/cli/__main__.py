"""`python -m palabre.cli`."""

from palabre.cli.app import main

main()
