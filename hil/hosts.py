"""What hosts of the bench need before they dose."""

import asyncio
from collections.abc import Awaitable, Callable

from device.suspension import RESUSPEND_MIN_MS
from hil.issuer import Issuer
from host.errors import RigError
from host.records import name_of
from host.rig import Rig
from protocol import codes, typed

READY_TIMEOUT_S = 10.0
CARTRIDGE_TIMEOUT_S = 10.0
STIRRED_S = RESUSPEND_MIN_MS / 1000 + 0.5
"""From a start on the agent is stirred for so long at least, and a little more for the look at its density."""

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


async def prepared(rig: Rig, issuer: Issuer, press_footswitch: Callable[[], Awaitable[object]]) -> None:
    """Make a rig ready for agent: sensors awake, cartridges read, date told, light and sound confirmed, agent stirred.

    ``press_footswitch`` stands for the person at the rig. Raises RigError.
    """
    assert rig.welcome is not None
    issuer.meet(rig.welcome)
    status = await ready(rig)
    awake_s = asyncio.get_running_loop().time()
    await rig.set_date(issuer.set_date())
    for channel, _ in codes.CHANNELS:
        await _cartridge_read(rig, channel)
    if status.self_test & codes.SELF_TEST_LIGHT_SOUND:
        await rig.test_alarms()
        await press_footswitch()
        await rig.confirmed("Light and sound were not confirmed")
    await asyncio.sleep(max(0.0, awake_s + STIRRED_S - asyncio.get_running_loop().time()))


async def _cartridge_read(rig: Rig, channel: str) -> None:
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + CARTRIDGE_TIMEOUT_S
    while True:
        cartridge = await rig.cartridge(channel)
        if cartridge.state == codes.CARTRIDGE_GOOD:
            return
        if loop.time() > deadline_s:
            state = name_of("cartridge_state", cartridge.state)
            raise RigError("refused", f"The cartridge of channel {channel} is {state}.", "Look at it with: rig status")
        await asyncio.sleep(_ASK_EVERY_S)
