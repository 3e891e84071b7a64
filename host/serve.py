"""``rig serve``: the service until a signal ends it."""

import asyncio
import logging
from pathlib import Path

from host.cli_run import Interrupts, put_json, run, say
from host.service.config import Config, load
from host.service.service import Service
from host.web.api import Api
from host.web.server import peer_name, serving

_LOG = logging.getLogger(__name__)


def serve(path: Path, *, json_output: bool) -> int:
    """Serve the configuration until Ctrl-C or SIGTERM; rigs that dose are paused on the way out."""
    config = load(path)
    return run(lambda interrupts: serve_until(config, interrupts, json_output=json_output))


async def serve_until(config: Config, interrupts: Interrupts, *, json_output: bool) -> int:
    """Serve until ``interrupts`` acts."""
    service = Service(config)
    ended = asyncio.Event()
    interrupts.action = ended.set
    api = Api(service, peer_name)
    async with serving(api.application(), config.socket) as answering:
        keeping = asyncio.create_task(service.run(), name="service")
        if json_output:
            put_json({"socket": str(config.socket), "rigs": list(service.rigs)})
        else:
            say(f"serving {', '.join(service.rigs)} at {config.socket}; Ctrl-C ends it")
        waiting = asyncio.create_task(ended.wait(), name="until a signal")
        await asyncio.wait([keeping, waiting, answering], return_when=asyncio.FIRST_COMPLETED)
        for task in (waiting, keeping):
            task.cancel()
        await asyncio.gather(waiting, keeping, return_exceptions=True)
    return 0
