"""The asyncio side beside the rig: links, orders, ledger and the ``rig`` command."""
