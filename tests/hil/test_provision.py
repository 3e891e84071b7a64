"""A provisioned rig: what the firmware finds in its journal and in its cartridges."""

from random import Random

import pytest

from device.authority import Keys
from device.ceilings import UNSET, unpack_row
from device.contents import Contents
from device.drivers import cartridge
from device.journal import Journal
from device.journal_cells import CELL_CEILINGS, CELL_KEY, CELL_LINE, CELL_RIG, CELL_TREATMENT
from device.treatment import Treatment
from hil.bench import Bench
from hil.plant.rig import SimulatedRig
from hil.provision import Provision, _Image, cartridge_image, journal_image, provision_rig
from protocol import codes

PROVISION = Provision.drawn(Random(7))


def booted(contents: bytes) -> Journal:
    image = _Image()
    image.contents[:] = contents
    journal = Journal(image)
    journal.begin()
    return journal


def test_the_journal_is_sound_and_without_a_dose():
    journal = booted(journal_image(PROVISION))
    assert (journal.faulty, journal.torn, journal.newest, journal.recovered) == (False, 0, 0, None)


@pytest.mark.req("PERMIT-6", "DOSE-6")
def test_serial_keys_ceilings_and_treatment_are_those_of_the_provision():
    journal = booted(journal_image(PROVISION))
    assert journal.load(CELL_RIG) == PROVISION.rig
    assert unpack_row(journal.load(CELL_CEILINGS)) == PROVISION.ceilings
    treatment = Treatment()
    assert treatment.unpack(journal.load(CELL_TREATMENT)) == PROVISION.ceilings != UNSET
    assert (treatment.id, treatment.screening) == (PROVISION.treatment, codes.SCREENING_PASSED)
    keys = Keys()
    for _, slot in codes.SLOTS:
        keys.restore(slot, journal.load(CELL_KEY + slot))
        assert keys.tag(slot, 9, b"body", 4) == PROVISION.tag(slot, 9, b"body")


@pytest.mark.req("DOSE-13")
def test_the_line_is_known_to_hold_no_agent():
    line = Contents()
    assert line.unpack(booted(journal_image(PROVISION)).load(CELL_LINE))
    assert line.agent_in_line_nl == 0


@pytest.mark.req("DOSE-10")
@pytest.mark.parametrize("channel", [number for _, number in codes.CHANNELS])
def test_a_cartridge_is_intact_signed_and_holds_what_its_syringe_holds(channel):
    plant = SimulatedRig(seed=1)
    provision_rig(plant, PROVISION)
    memory = plant.cartridges[channel].contents
    label = bytes(memory[: cartridge.LABEL_OCTETS])
    assert cartridge.label_intact(memory)
    signed = memory[cartridge.LABEL_OCTETS : cartridge.LABEL_OCTETS + cartridge.TAG_OCTETS]
    assert signed == PROVISION.tag(codes.SLOT_CARTRIDGE, cartridge.TAG_NUMBER, label)
    left_nl = plant.parameters.fill_nl - plant.parameters.end_switch_nl
    assert [cartridge.left_of(memory, copy) for copy in (0, 1)] == [left_nl, left_nl]


def test_a_cartridge_may_be_made_otherwise():
    memory = cartridge_image(PROVISION, 0, 1000, 500, lot=b"otherlot", expiry_day=1)
    assert b"otherlot" in memory
    with pytest.raises(AssertionError, match="colour"):
        cartridge_image(PROVISION, 0, 1000, 500, colour=1)


@pytest.mark.req("PERMIT-6", "SEC-4")
def test_two_rigs_share_no_key_and_a_key_is_not_printed():
    other = Provision.drawn(Random(8))
    assert not set(PROVISION.keys) & set(other.keys)
    assert len(set(PROVISION.keys)) == len(PROVISION.keys)
    assert PROVISION.keys[0].hex() not in repr(PROVISION)
    assert repr(PROVISION.keys[0]) not in repr(PROVISION)


def test_the_seed_decides_unless_a_provision_is_given_and_a_bare_rig_has_none():
    with Bench("twin", 3, power=False) as one, Bench("twin", 3, power=False) as same:
        assert one.provision == same.provision
        assert one.plant.fram.contents == same.plant.fram.contents
    with Bench("twin", 3, power=False, provision=PROVISION) as given:
        assert given.provision is PROVISION
        assert given.issuer() is given.issuer()
    with Bench("twin", 3, power=False, provisioned=False) as bare:
        assert bare.provision is None
        assert not any(bare.plant.fram.contents)
        with pytest.raises(AssertionError, match="not provisioned"):
            bare.issuer()
