"""``python -m asrlab``: the command line."""

from asrlab.cli import main

main()
