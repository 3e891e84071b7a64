"""Requests about doses: order, ask, pause, resume. All are answered with DOSE_STATE."""

from protocol import wire_formats as messages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from device.controller import Controller
    from protocol.link_device import DeviceLink


class DoseWire:
    """Answers what is asked of doses; ``handlers`` by message number."""

    def __init__(self, controller: "Controller", link: "DeviceLink") -> None:
        self._controller = controller
        self._link = link
        self.handlers = {
            messages.DOSE_ORDER: self._order,
            messages.GET_DOSE: self._get,
            messages.PAUSE: self._pause,
            messages.RESUME: self._resume,
        }

    def _order(self, _number: int, values: tuple) -> None:
        answer = self._controller.orders.order(values, self._link.session)
        self._link.answer(messages.DOSE_STATE, *answer)

    def _get(self, _number: int, values: tuple) -> None:
        self._link.answer(messages.DOSE_STATE, *self._controller.orders.find(values[0]))

    def _pause(self, _number: int, values: tuple) -> None:
        self._answer(values[0], self._controller.acts.pause(values[0]))

    def _resume(self, _number: int, values: tuple) -> None:
        self._answer(values[0], self._controller.acts.resume(values[0]))

    def _answer(self, dose_id: bytes, reason: int) -> None:
        values = self._controller.orders.find(dose_id)
        self._link.answer(messages.DOSE_STATE, *(values[:2] + (reason,) + values[3:]))
