"""A sweep that finds nothing is worth nothing unless it would have found these."""

import pytest

from hil.sweep.power import cut, places
from tests.hil.sweep.defects import DEFECTS

SEED = 1


@pytest.mark.req("LEDGER-1", "LEDGER-2", "DOSE-2", "DOSE-5")
@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_a_planted_defect_is_found_in_a_small_sample(monkeypatch, defect):
    found = places(SEED, [defect.order])[defect.order]
    with monkeypatch.context() as patch:
        defect.plant(patch)
        rows = list(cut("twin", SEED, {defect.order: defect.cuts(found)}))
    told = [text for row in rows for text in row.get("failures", ())]
    assert any(defect.words in text for text in told), told
