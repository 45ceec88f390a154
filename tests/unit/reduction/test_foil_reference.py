"""If these fail, the energy axis is calibrated on a point of the foil that is not where the table has it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from devices.foil_references import FoilReferences
from errors import InputError, ReductionError
from reduction.xas.calibration import FoilSpectrum
from reduction.xas.foil_reference import AlignedEdge, FoilReference, aligned_edge, own_reference
from tests.unit.reduction.test_foil_alignment import ENERGY_EV, REFERENCE, lead, measured

POINT: dict[str, Any] = FoilReferences().of("Pb L3")


def edge(spectrum: FoilSpectrum, document: dict[str, Any]) -> AlignedEdge:
    return aligned_edge(spectrum, FoilReference.from_document(document))


def test_real_lead_needs_no_correction_on_a_right_axis() -> None:
    """Its steepest point is 5.6 eV above the edge, by which every energy would be wrong."""
    found = edge(measured(0.0, seed=1), POINT)
    assert found.edge_ev.value == pytest.approx(13_035.0, abs=0.4)
    assert abs(found.offset_ev.value) < 0.4
    assert found.offset_ev.sigma > 0.5 > found.edge_ev.sigma, "the error of the reference is in the offset"


def test_an_own_foil_is_aligned_by_its_whole_curve() -> None:
    """Its steepest point is stated as 13 040.2 eV, while its own axis had it at 13 040.7 eV."""
    document = own_reference(REFERENCE, "Pb L3", "own foil", edge_ev=13_040.2, error_ev=0.1)
    found = edge(measured(2.0, seed=2), document)
    assert found.alignment is not None
    steepest_ev = REFERENCE.energy_ev[np.gradient(REFERENCE.absorption).argmax()]
    assert found.offset_ev.value == pytest.approx(13_040.2 - steepest_ev - 2.0, abs=0.2)
    assert found.offset_ev.sigma == pytest.approx(np.hypot(document["error_ev"], found.edge_ev.sigma))
    assert 0.1 <= document["error_ev"] < 0.2


def test_the_edge_of_an_own_foil_may_be_another_point_than_the_steepest() -> None:
    document = own_reference(REFERENCE, "Pb L3", "own foil", edge_ev=13_035.07, error_ev=0.1, at_ev=13_034.5)
    found = edge(measured(0.0, seed=3), document)
    assert found.edge_ev.value == pytest.approx(13_034.5, abs=0.1)
    assert found.offset_ev.value == pytest.approx(0.57, abs=0.1)


def test_a_tabulated_edge_is_marked_and_keeps_its_error() -> None:
    shifted = FoilSpectrum(REFERENCE.energy_ev + 2165.0, REFERENCE.absorption)
    found = edge(shifted, FoilReferences().of("Pb L2"))
    assert found.offset_ev.sigma >= 3.0
    assert "tabulated Pb L2 edge" in found.reference.warning
    assert not FoilReference.from_document(POINT).warning


@pytest.mark.parametrize("changed", [{"steepest_ev": None}, {"kind": "curve"}, {"edge_ev": "here"}])
def test_a_damaged_reference_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(ReductionError, match="align_foil"):
        FoilReference.from_document({**POINT, **changed})
    tangled = {**POINT, "kind": "curve", "energy_ev": [2.0, 1.0], "absorption": [1.0, 2.0]}
    with pytest.raises(ReductionError, match="ascending"):
        FoilReference.from_document(tangled)


def test_impossible_statements_about_an_own_foil_are_refused() -> None:
    spectrum = FoilSpectrum(ENERGY_EV, lead(ENERGY_EV))
    with pytest.raises(InputError, match="above 0 eV"):
        own_reference(spectrum, "Pb L3", "own foil", edge_ev=13_040.0, error_ev=0.0)
    with pytest.raises(InputError, match="plausible"):
        own_reference(spectrum, "Pb L3", "own foil", edge_ev=13.04, error_ev=0.1)
