"""The simulated monitor and clinic: what they sign the firmware takes, what it did not sign they do not believe."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from device.authority import Authority, Keys
from hil.bench import Bench
from hil.issuer import Issuer, PermitService
from hil.provision import Provision
from hil.scenarios.raw_host import RawHost
from protocol import codes, messages, typed

PROVISION = Provision.drawn(Random(7))
BOOT = b"boot0001"
ID = b"dose0001"
LOT = PROVISION.lots[codes.CHANNEL_AGENT]
AGENT = codes.CHANNEL_AGENT


def welcome(boot: bytes = BOOT, uptime_ms: int = 1000) -> typed.Welcome:
    name = bytes(12)
    return typed.Welcome(
        bytes(4), bytes(4), boot, bytes(8), bytes(8), name, name, name, PROVISION.rig, bytes(8), uptime_ms, 10
    )


def met() -> Issuer:
    issuer = Issuer(PROVISION)
    issuer.meet(welcome())
    return issuer


def authority() -> Authority:
    keys = Keys()
    for slot, key in enumerate(PROVISION.keys):
        keys.load(slot, 1, key)
    return Authority(keys, BOOT)


SIGNED = [
    (codes.SLOT_MONITOR, messages.PERMIT, lambda issuer: issuer.permit(ID, LOT, 2500, 1000, 1000)),
    (codes.SLOT_MONITOR, messages.HOLD, lambda issuer: issuer.hold()),
    (codes.SLOT_CLINIC, messages.OPEN_TREATMENT, lambda issuer: issuer.open_treatment(b"treat002")),
    (codes.SLOT_CLINIC, messages.CLOSE_TREATMENT, lambda issuer: issuer.close_treatment()),
    (codes.SLOT_CLINIC, messages.SET_CEILINGS, lambda issuer: issuer.set_ceilings(PROVISION.ceilings)),
    (codes.SLOT_CLINIC, messages.SET_PRESSURE_LIMIT, lambda issuer: issuer.set_pressure_limit(14_000)),
    (codes.SLOT_CLINIC, messages.SET_DATE, lambda issuer: issuer.set_date()),
    (codes.SLOT_CLINIC, messages.CLEAR_BY_CLINICIAN, lambda issuer: issuer.clear_by_clinician()),
]


@pytest.mark.req("PERMIT-2")
@pytest.mark.parametrize("row", SIGNED, ids=[str(row[1]) for row in SIGNED])
def test_what_it_signs_the_firmware_takes_once_and_a_flipped_bit_not_at_all(row: Any) -> None:
    slot, number, sign = row
    signed = sign(met())
    assert len(signed) == messages.SIZES[number]
    flipped = bytearray(signed)
    flipped[-20] ^= 1
    judge = authority()
    assert judge.check(slot, number, bytes(flipped), len(signed)) == codes.REASON_AUTHENTICATION
    assert judge.check(slot, number, signed, len(signed)) == codes.REASON_NONE
    assert judge.check(slot, number, signed, len(signed)) == codes.REASON_REPLAYED


def test_counters_go_on_for_another_issuer_of_the_same_boot() -> None:
    judge = authority()
    first = met().set_date()
    later = Issuer(PROVISION)
    later.meet(welcome(uptime_ms=1500))
    for signed in (first, later.set_date()):
        assert judge.check(codes.SLOT_CLINIC, messages.SET_DATE, signed, len(signed)) == codes.REASON_NONE


def status(counter: int = 1, **changes: Any) -> typed.SignedStatus:
    zero = bytes(8)
    plain = typed.SignedStatus(
        PROVISION.rig, BOOT, counter, 5000, zero, zero, zero, 1, 0, 0, 0, 0, 0, 0, 0, 0, bytes(16)
    )
    plain = replace(plain, **changes)
    tag = PROVISION.tag(codes.SLOT_STATUS, messages.SIGNED_STATUS, plain.body()[:-16])
    return replace(plain, tag=tag)


@pytest.mark.req("PERMIT-7")
def test_it_believes_a_status_of_its_rig_once() -> None:
    issuer = met()
    assert issuer.believes(status(1))
    assert not issuer.believes(status(1))
    assert issuer.believes(status(2))


@pytest.mark.req("PERMIT-7")
@pytest.mark.parametrize(
    "wrong",
    [
        replace(status(), emitted_steps=1),
        replace(status(), tag=bytes(16)),
        status(boot=b"boot0000"),
        status(rig=b"otherrig"),
    ],
    ids=["changed", "unsigned", "another boot", "another rig"],
)
def test_it_does_not_believe_what_its_rig_did_not_sign_now(wrong: typed.SignedStatus) -> None:
    assert not met().believes(wrong)


@asynccontextmanager
async def agent_ready(bench: Bench) -> AsyncIterator[RawHost]:
    """A rig that would give agent: stirred, its lamps looked at, its date told."""
    async with RawHost(bench.transport(), bench.seed) as host:
        await host.ready()
        await host.light_and_sound_confirmed(bench.press_footswitch)
        await asyncio.sleep(6)
        yield host


async def given(host: RawHost, **options: Any) -> tuple[typed.DoseState, PermitService]:
    async with host.permitted(**options) as service:
        dose_id = await host.start(2000, 1000, channel=AGENT)
        state = await host.ended(dose_id)
        # The status in which the rig signs that it has ended.
        await asyncio.sleep(1)
        return state, service


@pytest.mark.req("PERMIT-1", "PERMIT-7")
def test_agent_flows_while_permits_come() -> None:
    with Bench("twin", 5) as bench:

        async def main() -> None:
            async with agent_ready(bench) as host:
                state, service = await given(host)
                assert (state.state, state.cause) == (codes.DOSE_DELIVERED, codes.CAUSE_NONE)
                assert service.granted > 2
                assert service.verified > 2
                assert service.distrusted == 0
                assert service.refusals == {}

        bench.run(main())
        assert bench.edge_count(AGENT) == 2000 * 1_000_000 // 5_608_000


class RelayThatRefuses:
    """A rig whose dose is not running any more, and whose statuses the test makes."""

    def __init__(self) -> None:
        self.tell: Callable[[typed.Message], None] = lambda message: None

    async def permit(self, signed: bytes) -> typed.Result:
        return typed.Result(messages.PERMIT, codes.REASON_NOT_RUNNING, 0, 0, 0)

    @contextmanager
    def listening(self, listener: Callable[[typed.Message], None]) -> Iterator[None]:
        self.tell = listener
        yield


@pytest.mark.parametrize(
    ("states", "refused", "too_late"),
    [
        ([codes.DOSE_RUNNING], 1, 0),
        ([codes.DOSE_RUNNING, codes.DOSE_DELIVERED], 0, 1),
        ([codes.DOSE_RUNNING, codes.DOSE_RUNNING, codes.DOSE_DELIVERED], 0, 2),
        ([codes.DOSE_RUNNING, codes.DOSE_RUNNING, codes.DOSE_RUNNING], 3, 0),
        ([codes.DOSE_SETTLING, codes.DOSE_STOPPING], 0, 1),
    ],
)
def test_a_permit_for_a_dose_that_does_not_run_is_a_refusal_unless_the_rig_signs_that_it_had_ended(
    states: list[int], refused: int, too_late: int
) -> None:
    async def main() -> PermitService:
        relay = RelayThatRefuses()
        service = PermitService(met(), relay)
        task = asyncio.create_task(service.run())
        for counter, state in enumerate(states, 1):
            await asyncio.sleep(0)
            relay.tell(status(counter, dose_id=ID, dose_state=state))
            for _ in range(5):
                await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return service

    service = asyncio.run(main())
    assert (service.refusals.get("not_running", 0), service.too_late) == (refused, too_late)
    assert service.granted == 0


@pytest.mark.req("PERMIT-1", "PERMIT-2")
def test_no_agent_flows_under_permits_of_anybody_else() -> None:
    with Bench("twin", 5) as bench:

        async def main() -> None:
            async with agent_ready(bench) as host:
                stranger = Issuer(replace(bench.issuer().provision, keys=PROVISION.keys))
                stranger.meet(host.welcome)
                host.issuer = stranger
                state, service = await given(host)
                assert (state.state, state.cause) == (codes.DOSE_PARTIAL, codes.CAUSE_PERMIT)
                # A stranger does not even believe the rig, so signs nothing by itself.
                assert (service.granted, service.verified) == (0, 0)
                assert (await host.grant(state.dose_id)).reason == codes.REASON_AUTHENTICATION

        bench.run(main())
        assert bench.edge_count(AGENT) == 0
