"""Requests that change the state of the rig. They are answered with RESULT, CLEAR with STATUS."""

from device.person import ACT_NONE
from device.wire_values import status_values
from protocol import codes
from protocol import wire_formats as messages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from device.controller import Controller
    from protocol.link_device import DeviceLink


class ActWire:
    """Hands acts to the rules and tells their reasons; ``handlers`` by message number."""

    def __init__(self, controller: "Controller", link: "DeviceLink") -> None:
        self._controller = controller
        self._link = link
        self.handlers: dict[int, Callable[[int, tuple], None]] = {messages.CLEAR: self._clear}
        for number in controller.acts.handlers:
            self.handlers[number] = self._act
        for number in controller.authority_acts.handlers:
            self.handlers[number] = self._act_by_authority

    def _clear(self, _number: int, _values: tuple) -> None:
        reason = self._controller.acts.clear()
        self._link.answer(messages.STATUS, *status_values(self._controller, reason))

    def _act(self, number: int, values: tuple) -> None:
        acts = self._controller.acts
        acts.nearest = 0
        self._answer(number, acts.handlers[number](values), acts.nearest)

    def _act_by_authority(self, number: int, values: tuple) -> None:
        acts = self._controller.authority_acts
        acts.nearest = 0
        self._answer(number, acts.handle(number, values), acts.nearest)

    def _answer(self, number: int, reason: int, nearest: int) -> None:
        controller = self._controller
        awaited = reason == codes.REASON_NONE and controller.person.awaited != ACT_NONE
        self._link.answer(messages.RESULT, number, reason, nearest, 1 if awaited else 0, controller.now_ms)
