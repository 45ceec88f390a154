"""If these fail, `trxas coverage --sample` compares with another truth than the one it has hidden."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from errors import InputError
from reduction.jet_shares import JetShares
from reduction.values import Value
from reduction.xas.kinetics.kinetic_model import KineticModel
from sim.physics.sample import sample_path
from sim.physics.sample_effects import self_absorbed
from sim.physics.sample_file import load_sample
from sim.physics.spectra import static_spectrum, transient_spectrum
from trxas.configuration import load_configuration
from trxas.validation.coverage.campaign import Coverage, CoverageKind, CoverageSettings, draw_samples
from trxas.validation.coverage.sample_template import HIDDEN, SampleTemplate, draw_hidden, read_template
from trxas.validation.coverage.user_campaign import expected_of, simulated_part
from trxas.validation.coverage.user_measurement import as_the_jet_shows, delays_ps, edge_regions, user_parameters

FE_USER = Path(__file__).parents[3] / "examples" / "fe_four_photodiodes.toml"


@pytest.fixture(scope="module")
def template() -> SampleTemplate:
    return read_template(sample_path("fe_bpy3"), "Fe K")


def test_a_hidden_sample_is_the_simulation_s_with_other_numbers(template: SampleTemplate, tmp_path: Path) -> None:
    """Lost: every pull, if the sample that is served is not the one that was drawn."""
    truth = draw_hidden(np.random.default_rng(3))
    file = tmp_path / "hidden.toml"
    file.write_text(template.text(truth), encoding="utf-8")
    hidden, known = load_sample(file), load_sample(sample_path("fe_bpy3"))
    expected = expected_of(template, truth, 7125.0, 7.0)
    assert hidden.kinetics.tau1_ps == pytest.approx(expected["tau1"]) != pytest.approx(known.kinetics.tau1_ps)
    assert (hidden.beam.time_zero_ps, hidden.beam.irf_sigma_ps) == (expected["t0"], expected["response"])
    assert (hidden.jet, hidden.pump) == (known.jet, known.pump)
    energy_ev = np.linspace(7100.0, 7180.0, 30)
    shifted = static_spectrum(hidden.edges["Fe K"], energy_ev + expected["shift"])
    np.testing.assert_allclose(shifted, static_spectrum(known.edges["Fe K"], energy_ev))
    np.testing.assert_allclose(template.level(energy_ev), static_spectrum(known.edges["Fe K"], energy_ev))
    change = transient_spectrum(hidden.edges["Fe K"], 7125.0) / static_spectrum(hidden.edges["Fe K"], 7125.0)
    share = 7.0 / known.pump.reference_fluence_mj_cm2
    assert expected["amplitude"] == pytest.approx(float(change) * share)


def test_the_model_is_the_one_by_which_the_sample_decays(template: SampleTemplate) -> None:
    assert (template.model, template.lifetimes_ps) == (KineticModel.ONE, (665.0,))
    paper = read_template(sample_path("cspbbr3"), "Br K")
    assert paper.model is KineticModel.TWO_OFFSET
    assert user_parameters(1) == ("tau1", "t0", "response", "amplitude", "shift")


def test_the_measurement_reaches_every_hidden_value(template: SampleTemplate) -> None:
    """Lost: samples without a pull, whose lifetime or shift lies outside what is measured."""
    longest = HIDDEN["lifetime_factor"].high * template.lifetimes_ps[0]
    delays = delays_ps(template.lifetimes_ps, offset=False)
    assert delays == sorted(set(delays))
    assert delays[-1] > 3.5 * longest
    low, high = edge_regions(7124.0)[0][0], edge_regions(7124.0)[-1][1]
    assert low < 7121.0 - HIDDEN["shift_ev"].high
    assert high > 7131.0 + HIDDEN["shift_ev"].high
    known = template.reference(7100.0, 7170.0)
    assert len(known["energy_ev"]) == len(known["level"]) == 281


def test_the_reference_is_what_the_described_jet_shows(template: SampleTemplate) -> None:
    """Lost: half an error of the shift, as a white line is flatter in a jet that absorbs its own fluorescence."""
    level = np.array([0.0, 0.5, 1.0, 1.4])
    np.testing.assert_array_equal(as_the_jet_shows(level, None), level)
    jet = JetShares(depth_share=Value(0.4, 0.01), expected_step=Value(0.01, 0.001))
    shown = as_the_jet_shows(level, jet)
    np.testing.assert_allclose(shown / shown[2], self_absorbed(level, 0.004), rtol=1e-12)


def test_what_the_simulation_does_not_serve_is_left_out(tmp_path: Path) -> None:
    """Lost: a coverage of a beamline whose magnet nothing simulates."""
    whole, part = load_configuration(FE_USER), load_configuration(simulated_part(FE_USER, tmp_path))
    assert whole.beamline.axes
    assert not part.beamline.axes
    assert part.simulation_options[:2] == whole.simulation_options[:2] == ("--photodiodes", "4")
    assert part.beamline.scheme.gate_delays_ps == whole.beamline.scheme.gate_delays_ps


def test_pulls_are_those_of_the_kind(template: SampleTemplate) -> None:
    kind = CoverageKind(
        title="hidden copies", parameters=user_parameters(1), draw=draw_hidden, text=template.text,
        expected=lambda truth, _: expected_of(template, truth, 7125.0, 7.0),
    )  # fmt: skip
    settings = CoverageSettings(samples=2, measurements=1)
    samples = draw_samples(settings, kind)
    assert samples[0].truth != samples[1].truth
    coverage = Coverage(
        settings=settings, timing=load_configuration().beamline.scheme, samples=samples, kind=kind  # type: ignore[arg-type]  # not used
    )  # fmt: skip
    values = {name: (value + 0.2, 0.1) for name, value in expected_of(template, samples[1].truth, 7125.0, 7.0).items()}
    coverage.take({"sample": 1, "measurement": 0, "values": values, "failures": {}})
    coverage.give_up(samples[:1], "no beam")
    assert coverage.complete
    assert {name: pulls[1] for name, pulls in coverage.pulls.items()} == {
        name: pytest.approx([2.0]) for name in user_parameters(1)
    }
    assert {found.failed for found in coverage.statistics().values()} == {1}


def test_wrong_samples_are_refused(refused: Any, tmp_path: Path) -> None:
    assert "--config needs --sample" in refused("coverage", "--samples", "1", "--config", str(FE_USER))
    with pytest.raises(InputError, match="it has no edge Co K"):
        read_template(sample_path("fe_bpy3"), "Co K")
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("[edges", encoding="utf-8")
    with pytest.raises(InputError, match=r"wrong\.toml"):
        read_template(wrong, "Fe K")
