"""``python -m simulations`` is the ``loadstar`` command."""

from simulations.cli import main

main()
