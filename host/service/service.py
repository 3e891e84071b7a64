"""The composition root: supervisors of all rigs, the hub, and what stands in front of them."""

import asyncio
import logging
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from host.errors import RigError
from host.link.reconnector import DEFAULT_BACK_OFF, BackOff
from host.link.transport import OpenTransport
from host.link.urls import open_transport
from host.service.config import Config, RigPart
from host.service.hub import EventHub
from host.service.opening import LedgerOpener
from host.service.supervisor import RigSupervisor
from host.telemetry_store import TelemetryStore
from host.telemetry_stretch import sample
from protocol import typed

_LOG = logging.getLogger(__name__)

LEDGER_FILE: Final = "ledger.sqlite3"
NS_IN_MS: Final = 1_000_000
RUN_OCTETS: Final = 4


def utc_now() -> str:
    """Return the time as events name it."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"


class Service:
    """All rigs of one configuration.

    Args:
        config: which rigs, where their ledgers are.
        opener: makes the transport factory of a port's URL.
        back_off: waits between attempts at a ledger or a port.
    """

    def __init__(
        self,
        config: Config,
        *,
        opener: Callable[[str], OpenTransport] | None = None,
        back_off: BackOff = DEFAULT_BACK_OFF,
    ) -> None:
        self.config = config
        self.hub = EventHub(os.urandom(RUN_OCTETS).hex(), utc_now)
        make = opener or _opener
        self.telemetry: TelemetryStore | None = None
        self.rigs = {part.name: self._supervisor(part, make(part.port), back_off) for part in config.rigs}

    def rig(self, name: str) -> RigSupervisor:
        """Return the supervisor of a rig. Raises ``RigError`` ``not_found``."""
        found = self.rigs.get(name)
        if found is None:
            raise RigError("not_found", f"There is no rig {name!r}.", f"Rigs: {', '.join(self.rigs)}.")
        return found

    async def run(self) -> None:
        """Keep every rig in service until cancelled."""
        self.telemetry = TelemetryStore(self.config.telemetry_file, self.config.telemetry.retention())
        try:
            async with asyncio.TaskGroup() as group:
                for rig in self.rigs.values():
                    group.create_task(rig.run(), name=f"rig {rig.name}")
        finally:
            self.hub.end()
            await self.telemetry.close()

    def _supervisor(self, part: RigPart, open_transport: OpenTransport, back_off: BackOff) -> RigSupervisor:
        config, name = self.config, part.name
        return RigSupervisor(
            name,
            LedgerOpener(config.folder(name) / LEDGER_FILE, config.head_file(name)),
            open_transport,
            self.hub,
            on_telemetry=lambda message: self._keep(name, message),
            back_off=back_off,
        )

    def _keep(self, rig: str, message: typed.Telemetry) -> None:
        if self.telemetry is not None:
            self.telemetry.add(sample(rig, time.time_ns() // NS_IN_MS, message))


def _opener(port: str) -> OpenTransport:
    return lambda: open_transport(port)
