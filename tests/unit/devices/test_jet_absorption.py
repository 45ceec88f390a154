"""If these fail, spectra are corrected for another self-absorption than that of the jet."""

from __future__ import annotations

import pytest

from devices.configuration.jet_settings import JetSettings
from devices.jet_absorption import depth_share, jet_document


def test_the_paper_s_jet_loses_half_of_the_step_of_bromine() -> None:
    """2.4 g/l of Br in 283 um: 0.8 % by tabulated absorption; solvent and exit path change the share by 1 %."""
    jet = JetSettings(thickness_um=200.0, solvent="C7H8", density_g_cm3=0.867, concentrations_g_l={"Br": 2.4})
    document = jet_document(jet, "Br K")
    assert document["expected_step"] == pytest.approx(0.0082, abs=3e-4)
    assert document["expected_step_error"] == pytest.approx(0.1 * document["expected_step"])
    assert document["depth_share"] == pytest.approx(0.495, abs=0.003)
    assert "expected_step" not in jet_document(jet, "Pb L3")


def test_in_an_opaque_jet_fluorescence_loses_less() -> None:
    assert depth_share(0.0) == 0.5
    assert depth_share(1e-3) == pytest.approx(depth_share(0.9e-3), abs=1e-4)
    assert depth_share(20.0) == pytest.approx(0.05, abs=1e-6)


def test_unknown_elements_and_formulae_are_refused() -> None:
    found = [str(one) for one in JetSettings(thickness_um=1.0, solvent="??", concentrations_g_l={"Bx": 1.0}).faults()]
    assert len(found) == 2
    assert "Give one such as C7H8" in found[0]
    assert "Give symbols such as Br" in found[1]
