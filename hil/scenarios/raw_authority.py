"""What a scenario's host hands on from the bench's monitor and clinic. Answers come whether accepted or refused."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any, TypeVar

from hil.issuer import Issuer, PermitService
from protocol import codes, messages, typed

NO_ID = bytes(8)
FOOT_AFTER_S = 0.1  # the rig looks for a released switch before it takes the press
CONFIRMED_S = 10.0

MessageT = TypeVar("MessageT", bound=typed.Message)


class RawAuthority(ABC):
    """A part of ``RawHost``. ``issuer`` is None at a rig that holds no keys of the bench."""

    def __init__(self, issuer: Issuer | None) -> None:
        self.issuer = issuer
        self.treatment = NO_ID if issuer is None else issuer.provision.treatment

    @abstractmethod
    async def request(self, kind: type[MessageT], number: int, *values: int | bytes) -> MessageT:
        """Send a request and return its answer."""

    @abstractmethod
    def new_id(self) -> bytes:
        """Return an id that was never used."""

    @abstractmethod
    def device_ms(self) -> int:
        """Return the device's clock as it last told it."""

    @abstractmethod
    def listening(self, listener: Callable[[typed.Message], None]) -> AbstractContextManager[None]:
        """Call the listener with everything that the device says unasked."""

    def lot(self, channel: int) -> bytes:
        """Return the lot of the cartridge that the bench put in, all zero where it put none or there is no channel."""
        if self.issuer is None or channel >= len(self.issuer.provision.lots):
            return NO_ID
        return self.issuer.provision.lots[channel]

    async def relay(self, number: int, signed: bytes) -> typed.Result:
        """Hand on what monitor or clinic signed."""
        values = messages.decode_body(number, signed, 0, len(signed))
        assert values is not None
        return await self.request(typed.Result, number, *values)

    async def permit(self, signed: bytes) -> typed.Result:
        """Hand on a permit."""
        return await self.relay(messages.PERMIT, signed)

    async def grant(
        self, dose_id: bytes, channel: int = codes.CHANNEL_AGENT, *, life_ms: int = 1800, **fields: Any
    ) -> typed.Result:
        """Have a permit signed for a dose, valid for so long from the clock last told, and hand it on."""
        values = {"volume_nl": 100_000, "rate_nl_s": 20_000, "treatment": self.treatment, "lot": self.lot(channel)}
        expires_ms = self.device_ms() + life_ms
        return await self.permit(self._authority.permit(dose_id, expires_ms=expires_ms, **(values | fields)))

    async def light_and_sound_confirmed(self, press_footswitch: Callable[..., None]) -> None:
        """Have the alarms tried and a person confirm them, as agent wants it once a boot."""
        result = await self.request(typed.Result, messages.TEST_ALARMS)
        assert result.person_awaited, result
        press_footswitch(after_s=FOOT_AFTER_S)
        async with asyncio.timeout(CONFIRMED_S):
            while (await self.request(typed.Status, messages.GET_STATUS)).self_test & codes.SELF_TEST_LIGHT_SOUND:
                await asyncio.sleep(FOOT_AFTER_S)

    async def hold(self, hold: int = codes.HOLD_HOLD) -> typed.Result:
        """Have the monitor hold the agent, or stop the rig."""
        return await self.relay(messages.HOLD, self._authority.hold(hold, self.treatment))

    async def clear_by_clinician(self) -> typed.Result:
        """Have a clinician clear a patient cause; a person confirms."""
        return await self.relay(messages.CLEAR_BY_CLINICIAN, self._authority.clear_by_clinician())

    async def open_treatment(self, treatment: bytes | None = None, **fields: Any) -> typed.Result:
        """Have the clinic open a treatment, of a new id when none is given; a person confirms. Orders then name it."""
        self.treatment = self.new_id() if treatment is None else treatment
        return await self.relay(messages.OPEN_TREATMENT, self._authority.open_treatment(self.treatment, **fields))

    async def close_treatment(self) -> typed.Result:
        """Have the clinic close the treatment; a person confirms."""
        return await self.relay(messages.CLOSE_TREATMENT, self._authority.close_treatment(self.treatment))

    @asynccontextmanager
    async def permitted(self, **options: Any) -> AsyncIterator[PermitService]:
        """Grant permits, twice a second and more, to whatever dose the device's signed status shows."""
        service = PermitService(self._authority, self, **options)
        task = asyncio.create_task(service.run())
        try:
            yield service
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    @property
    def _authority(self) -> Issuer:
        assert self.issuer is not None, "the rig holds no keys of the bench"
        return self.issuer
