"""What hosts of the bench need before they dose."""

import asyncio

from host.errors import RigError
from host.rig import Rig
from protocol import codes, typed

READY_TIMEOUT_S = 10.0
_ASK_EVERY_S = 0.05


async def ready(rig: Rig) -> typed.Status:
    """Wait for the first readings of the sensors, without which every order is refused. Raises RigError."""
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + READY_TIMEOUT_S
    while loop.time() < deadline_s:
        status = await rig.status()
        if status.device_state == codes.DEVICE_READY and not status.sensor_faults:
            return status
        await asyncio.sleep(_ASK_EVERY_S)
    raise RigError("refused", f"The rig was not ready within {READY_TIMEOUT_S:g} s.", "Look at it with: rig status")
