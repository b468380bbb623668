"""P2: where usage stands, both verdicts."""

import pytest
from tests.unit.doctor.answers import charge

from everytoken.doctor.placement import FLAGS, check_placement


def test_charges_of_model_runs_are_in_their_place() -> None:
    finding = check_placement("shop", [charge(), charge(flags=["layers_disagree"])])
    assert (finding.id, finding.verdict, finding.evidence) == ("P2", "ok", "2 charges")


@pytest.mark.parametrize("flag", FLAGS)
def test_usage_on_a_chain_is_named_with_its_first_trace(flag: str) -> None:
    finding = check_placement("shop", [charge(), charge(flags=[flag], trace_id="t7"), charge(flags=[flag])])
    assert (finding.verdict, finding.evidence) == ("problem", f"2 × {flag}, trace t7")
    assert finding.cause == FLAGS[flag]
    assert finding.cure
