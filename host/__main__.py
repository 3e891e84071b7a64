"""``python -m host`` is the ``rig`` command."""

from host.cli import main

main()
