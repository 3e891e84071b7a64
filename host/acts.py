"""What a rig is asked for besides a dose: relays of what others signed, a person's acts, questions, service."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from host.core import RigCore
from host.errors import RigError, UsageError
from host.link.messages import Message
from host.records import DoseReport
from host.reports import Acknowledged, Reading
from host.requests import (
    check_channel,
    check_id,
    check_number,
    signed_values,
    told,
    told_dose,
    told_record,
    told_result,
    told_status,
)
from protocol import codes, messages, typed

MAX_PAUSE_AUDIO_S: Final = 120
KEY_OCTETS: Final = 32
# Numbers that the controller keeps in one word.
MAX_SMALL: Final = (1 << 30) - 1
# A person has 10 s for the foot switch by the rig's clock; then the rig forgets that it was asked.
PERSON_S: Final = 12.0
LOOK_EVERY_S: Final = 0.2
_SLOTS: Final = dict(codes.SLOTS)


class Acts:
    """The part of ``Rig`` that needs nothing but requests. All methods raise ``RigError``, also when refused.

    What takes a ``signed`` message relays it octet for octet: the body, tag included, as monitor or clinic made it.
    """

    def __init__(self, core: RigCore) -> None:
        self._core = core

    # Readings: the last message of its kind with its age, None when none came yet.

    @property
    def telemetry(self) -> Reading[typed.Telemetry] | None:
        """Return the last telemetry."""
        return self._core.reading(typed.Telemetry)

    @property
    def alarms(self) -> Reading[typed.Alarms] | None:
        """Return the alarms as last told."""
        return self._core.reading(typed.Alarms)

    @property
    def signed_status(self) -> Reading[typed.SignedStatus] | None:
        """Return the last status that the device signed; nobody has verified it here."""
        return self._core.reading(typed.SignedStatus)

    # Relays.

    async def permit(self, signed: bytes) -> Acknowledged:
        """Hand on a permit of the monitor."""
        return await self._relay(messages.PERMIT, signed, "the permit")

    async def hold(self, signed: bytes) -> Acknowledged:
        """Hand on a hold or stop of the monitor."""
        return await self._relay(messages.HOLD, signed, "the hold")

    async def open_treatment(self, signed: bytes) -> Acknowledged:
        """Hand on the clinic's opening of a treatment; a person confirms."""
        return await self._relay(messages.OPEN_TREATMENT, signed, "to open the treatment")

    async def close_treatment(self, signed: bytes) -> Acknowledged:
        """Hand on the clinic's closing of the treatment; a person confirms."""
        return await self._relay(messages.CLOSE_TREATMENT, signed, "to close the treatment")

    async def set_ceilings(self, signed: bytes) -> Acknowledged:
        """Hand on the clinic's ceilings; a person confirms."""
        return await self._relay(messages.SET_CEILINGS, signed, "the ceilings")

    async def set_pressure_limit(self, signed: bytes) -> Acknowledged:
        """Hand on the clinic's occlusion limit of the line pressure; a person confirms."""
        return await self._relay(messages.SET_PRESSURE_LIMIT, signed, "the pressure limit")

    async def set_date(self, signed: bytes) -> Acknowledged:
        """Hand on the clinic's date."""
        return await self._relay(messages.SET_DATE, signed, "the date")

    async def clear_by_clinician(self, signed: bytes) -> Acknowledged:
        """Hand on a clinician's clearing of a patient cause; a person confirms."""
        return await self._relay(messages.CLEAR_BY_CLINICIAN, signed, "the clinician's clearing")

    # A person's acts.

    async def pause(self) -> DoseReport:
        """Pause the running dose; returns its state."""
        return told_dose(await self._core.request(messages.PAUSE, self._core.present_dose()), "the pause")

    async def resume(self) -> DoseReport:
        """Ask for the paused dose to go on; a person then presses the foot switch within 10 s."""
        return told_dose(await self._core.request(messages.RESUME, self._core.present_dose()), "to resume")

    async def clear(self) -> typed.Status:
        """Ask for the latched stop to be cleared; a person then presses the foot switch within 10 s."""
        return told_status(await self._core.request(messages.CLEAR), "to clear the stop")

    async def resolve(self, dose_id: bytes) -> Acknowledged:
        """Ask for the unknown dose to block the agent no more; it stays counted in full. A person confirms."""
        return await self._act(messages.RESOLVE, check_id("dose id", dose_id), asked="to resolve the dose")

    async def acknowledge(self, alarms: int) -> Acknowledged:
        """Acknowledge alarms; alarm n is bit n - 1."""
        check_number("field of alarms", alarms, "bits", 1, MAX_SMALL)
        return await self._act(messages.ACKNOWLEDGE, alarms, asked="to acknowledge the alarms")

    async def pause_audio(self, duration_s: int) -> Acknowledged:
        """Keep the sound quiet for so long, s; 0 ends a pause."""
        check_number("pause", duration_s, "s", 0, MAX_PAUSE_AUDIO_S)
        return await self._act(messages.PAUSE_AUDIO, duration_s, asked="to pause the sound")

    async def test_alarms(self) -> Acknowledged:
        """Ask for light and sound to be tried; a person confirms that both were there."""
        return await self._act(messages.TEST_ALARMS, asked="to test the alarms")

    async def set_calibration(self, dose_id: bytes, weighed_nl: int) -> Acknowledged:
        """Tell what was weighed of a calibration run, nL; a person confirms."""
        check_number("weighed volume", weighed_nl, "nL", 1, MAX_SMALL)
        values = (check_id("dose id", dose_id), weighed_nl)
        return await self._act(messages.SET_CALIBRATION, *values, asked="the calibration")

    # Questions.

    async def status(self) -> typed.Status:
        """Return the state of the device, asked for now."""
        return told_status(await self._core.request(messages.GET_STATUS), "its status")

    async def get_dose(self, dose_id: bytes) -> DoseReport:
        """Return what the device knows of a dose."""
        return told_dose(await self._core.request(messages.GET_DOSE, dose_id), "to tell of the dose")

    async def treatment(self) -> typed.Treatment:
        """Return the open treatment, its ceilings and totals. Orders name it from then on."""
        return told(typed.Treatment, await self._core.request(messages.GET_TREATMENT), "to tell of the treatment")

    async def cartridge(self, channel: str) -> typed.Cartridge:
        """Return what the memory of a channel's cartridge says."""
        answer = await self._core.request(messages.GET_CARTRIDGE, check_channel(channel))
        return told(typed.Cartridge, answer, "to tell of the cartridge")

    async def get_calibration(self, channel: str) -> typed.Calibration:
        """Return the calibration of a channel."""
        answer = await self._core.request(messages.GET_CALIBRATION, check_channel(channel))
        return told(typed.Calibration, answer, "to tell of the calibration")

    async def record(self, sequence: int) -> typed.Record:
        """Return one record of the device's journal, as it stands there."""
        check_number("number of the record", sequence, "records", 0, MAX_SMALL)
        return told_record(await self._core.request(messages.GET_RECORD, sequence))

    # Service.

    async def set_key(self, slot: str, generation: int, key: bytes) -> Acknowledged:
        """Write a key; in service mode only. It is not kept or logged here."""
        if slot not in _SLOTS:
            raise UsageError(f"There is no key slot {slot!r}.", f"Slots: {', '.join(_SLOTS)}.")
        check_number("generation", generation, "keys", 1, MAX_SMALL)
        if len(key) != KEY_OCTETS:
            raise UsageError(f"The key has {len(key)} octets.", f"A key has {KEY_OCTETS}.")
        return await self._act(messages.SET_KEY, _SLOTS[slot], generation, key, asked="the key")

    async def set_rig(self, serial: bytes) -> Acknowledged:
        """Give the rig its serial, once; in service mode only."""
        return await self._act(messages.SET_RIG, check_id("serial", serial), asked="the serial")

    # Waiting.

    async def wait_for(self, predicate: Callable[[Message], bool]) -> Message:
        """Return the next message of the device that fulfils the predicate; bound the wait with ``asyncio.timeout``."""
        found: asyncio.Future[Message] = asyncio.get_running_loop().create_future()

        def look(message: Message) -> None:
            if not found.done() and predicate(message):
                found.set_result(message)

        with self.listening(look):
            return await found

    @contextmanager
    def listening(self, listener: Callable[[Message], None]) -> Iterator[None]:
        """Call ``listener`` with everything that the device says unasked; it must not raise and not block."""
        self._core.listeners.add(listener)
        try:
            yield
        finally:
            self._core.listeners.discard(listener)

    async def confirmed(self, what: str, seconds: float = PERSON_S) -> None:
        """Wait until the rig awaits no foot switch any more, which says nothing of whether it was pressed.

        Raises ``RigError`` ``not_confirmed`` when it is still awaited after so many seconds.
        """
        end_s = asyncio.get_running_loop().time() + seconds
        while (await self.status()).inputs & codes.INPUT_PERSON_AWAITED:
            if asyncio.get_running_loop().time() > end_s:
                raise not_confirmed(what)
            await asyncio.sleep(LOOK_EVERY_S)

    async def _relay(self, number: int, signed: bytes, asked: str) -> Acknowledged:
        values = signed_values(number, signed, asked.removeprefix("the "))
        return told_result(await self._core.request(number, *values), asked)

    async def _act(self, number: int, *values: int | bytes, asked: str) -> Acknowledged:
        return told_result(await self._core.request(number, *values), asked)


def not_confirmed(what: str) -> RigError:
    """Return the error for an act that nobody confirmed."""
    return RigError("not_confirmed", f"{what}: nobody pressed the foot switch in time.", "Try again at the rig.")
