"""Messages in, messages out: a request goes to the rule it asks, an answer is made of the rule's own values."""

from device.controller import TICK_MS
from device.identity import firmware_hash, implementation
from device.wire_acts import ActWire
from device.wire_dose import DoseWire
from device.wire_queries import QueryWire
from device.wire_reports import Reports
from protocol import codes
from protocol import wire_formats as messages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.controller import Controller
    from device.executive import TickStats
    from protocol.link_device import DeviceLink


def _padded(name: bytes) -> bytes:
    return (name + b"\x00" * 12)[:12]


class Wire:
    """Speaks for one controller over one ``DeviceLink``."""

    def __init__(self, controller: "Controller", link: "DeviceLink", tick_stats: "TickStats") -> None:
        self._controller = controller
        self._link = link
        self.firmware = firmware_hash()
        self._implementation = implementation()
        self._reports = Reports(controller, link, tick_stats)
        self._handlers = {messages.HELLO: self._hello}
        for part in (DoseWire(controller, link), ActWire(controller, link), QueryWire(controller, link)):
            self._handlers.update(part.handlers)
        # Once a tick, without a call in between.
        self.report = self._reports.report
        link.on_stop = self.stop

    def stop(self, cause: int) -> None:
        """A STOP came in: act, then say so."""
        controller = self._controller
        was_stopped = controller.latches.stop_cause != codes.CAUSE_NONE
        controller.stop(cause)
        self.tell_stopped(was_stopped)

    def tell_stopped(self, was_stopped: bool) -> None:
        """Queue STOPPED."""
        controller = self._controller
        self._link.datagram(
            messages.STOPPED,
            controller.latches.stop_cause,
            1 if was_stopped else 0,
            controller.stop_latency_us,
            controller.dose.dose_id,
            controller.dose.pump.emitted_steps,
            controller.now_ms,
        )

    def handle(self, number: int) -> None:
        """Execute the request the link has just handed out and queue its answer."""
        self._handlers[number](number, self._link.values)

    def _hello(self, _number: int, values: tuple) -> None:
        controller = self._controller
        self._link.answer(
            messages.WELCOME,
            values[0],
            self._link.session,
            controller.boot,
            messages.schema_hash(),
            self.firmware,
            _padded(self._implementation[0]),
            _padded(self._implementation[1]),
            _padded(controller.board.NAME.encode()),
            controller.kept.rig,
            controller.journal.last_dose_id,
            controller.board.ticks_ms(),
            TICK_MS,
        )
