"""`python -m klarnet.cli`: the program where no script is installed."""

from __future__ import annotations

from . import main

main()
