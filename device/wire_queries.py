"""Requests that ask and change nothing: status, treatment, cartridge, calibration, record of the journal."""

from device.wire_values import status_values
from protocol import codes
from protocol import wire_formats as messages
from protocol.compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.controller import Controller
    from protocol.link_device import DeviceLink

_RECORD_OCTETS = const(80)


class QueryWire:
    """Answers questions; ``handlers`` by message number."""

    def __init__(self, controller: "Controller", link: "DeviceLink") -> None:
        self._controller = controller
        self._link = link
        self._record_octets = bytearray(_RECORD_OCTETS)
        self.handlers = {
            messages.GET_STATUS: self._status,
            messages.GET_TREATMENT: self._treatment,
            messages.GET_CARTRIDGE: self._cartridge,
            messages.GET_CALIBRATION: self._calibration,
            messages.GET_RECORD: self._record,
        }

    def _status(self, _number: int, _values: tuple) -> None:
        self._link.answer(messages.STATUS, *status_values(self._controller, codes.REASON_NONE))

    def _treatment(self, _number: int, _values: tuple) -> None:
        controller = self._controller
        kept = controller.kept
        treatment = kept.treatment
        window_nl = kept.account.window.in_window(controller.now_ms, kept.ceilings.window_s)
        self._link.answer(
            messages.TREATMENT,
            *(
                (treatment.id, treatment.day, treatment.screening, controller.latches.hold_cause, treatment.residual_nl)
                + kept.ceilings.row
                + (treatment.agent_max_nl, treatment.counter_max_nl, treatment.flush_max_nl)
                + (window_nl, controller.agent_in_line_nl(), controller.now_ms)
            ),
        )

    def _cartridge(self, number: int, values: tuple) -> None:
        if values[0] > codes.CHANNEL_FLUSH:
            self._refuse(number, codes.REASON_CHANNEL)
            return
        cartridge = self._controller.cartridges.all[values[0]]
        self._link.answer(
            messages.CARTRIDGE,
            values[0],
            cartridge.state,
            cartridge.kind,
            cartridge.lot,
            cartridge.serial,
            cartridge.concentration,
            cartridge.fill_nl,
            cartridge.left_nl,
            cartridge.expiry_day,
        )

    def _calibration(self, number: int, values: tuple) -> None:
        if values[0] > codes.CHANNEL_FLUSH:
            self._refuse(number, codes.REASON_CHANNEL)
            return
        self._link.answer(messages.CALIBRATION, values[0], *self._controller.calibration.row(values[0]))

    def _record(self, _number: int, values: tuple) -> None:
        journal = self._controller.journal
        octets = self._record_octets
        found = journal.read(values[0], octets)
        if not found:
            octets[:] = bytes(_RECORD_OCTETS)
        reason = codes.REASON_NONE if found else codes.REASON_NO_RECORD
        self._link.answer(messages.RECORD, reason, journal.oldest, journal.newest, bytes(octets))

    def _refuse(self, number: int, reason: int) -> None:
        self._link.answer(messages.REFUSED, number, reason, messages.schema_hash())
