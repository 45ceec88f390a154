"""If these fail, a sample cannot be chosen by name, or [Fe(bpy)3]2+ is not the sample of its file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sim.__main__ import main
from sim.errors import SimulationInputError
from sim.physics.excitation import recovery
from sim.physics.sample import DEFAULT_SAMPLE, Jet, sample_path, shipped_samples
from sim.physics.sample_file import load_sample
from sim.physics.spectra import transient_spectrum

IRON = load_sample(sample_path("fe_bpy3"))


def test_a_sample_is_chosen_by_name_or_by_file(tmp_path: Path) -> None:
    own = tmp_path / "mine.toml"
    own.write_text(DEFAULT_SAMPLE.read_text(encoding="utf-8"), encoding="utf-8")
    assert sample_path(str(own)) == own
    assert load_sample(sample_path("cspbbr3")) == load_sample()
    assert set(shipped_samples()) == {"cspbbr3", "fe_bpy3"}


@pytest.mark.parametrize("wrong", ["fe_bpy", "none.toml", ""])
def test_an_unknown_sample_lists_the_shipped_ones(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SimulationInputError, match="cspbbr3, fe_bpy3"):
        sample_path(wrong)
    assert main(["--sample", wrong, "--print-label"]) == 2
    assert "cspbbr3, fe_bpy3" in capsys.readouterr().err


def test_the_label_has_name_and_edges_only(capsys: pytest.CaptureFixture[str]) -> None:
    """The analysis gets no more than a person reads on the vial: nothing of lifetimes, features or sizes."""
    assert main(["--sample", "fe_bpy3", "--print-label"]) == 0
    assert json.loads(capsys.readouterr().out) == {"name": IRON.name, "edges": ["Fe K"]}


def test_the_file_of_a_sample_is_named_for_the_validation(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--sample", "fe_bpy3", "--print-sample-file"]) == 0
    assert Path(capsys.readouterr().out.strip()) == sample_path("fe_bpy3").resolve()


def test_iron_recovers_with_one_lifetime() -> None:
    delays_ps = np.array([300.0, 1000.0, 3000.0])
    left = recovery(delays_ps, IRON.kinetics, 1.0)
    np.testing.assert_allclose(left, np.exp(-delays_ps / IRON.kinetics.tau1_ps), rtol=1e-3)


def test_iron_gains_on_the_rise_and_loses_at_the_main_peak() -> None:
    energies = np.arange(7105.0, 7145.0, 0.1)
    change = transient_spectrum(IRON.edges["Fe K"], energies)
    assert energies[change.argmax()] == pytest.approx(7125.0, abs=0.5)
    assert 7129.0 < energies[change.argmin()] < 7133.0


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('[jet]\nsolvent = "Xx9"\n', "not a chemical formula"),
        ("[jet]\nsolvent = 3\n", "not a chemical formula"),
        ("[jet]\nthickness_um = 0.0\n", "thickness_um"),
        ("[jet]\nlength_um = 1.0\n", "length_um"),
    ],
)
def test_a_wrong_jet_reports_what_is_wrong(tmp_path: Path, table: str, message: str) -> None:
    path = tmp_path / "sample.toml"
    path.write_text(DEFAULT_SAMPLE.read_text(encoding="utf-8") + table, encoding="utf-8")
    with pytest.raises(SimulationInputError, match=message):
        load_sample(path)


def test_the_default_jet_is_the_papers_toluene() -> None:
    assert load_sample().jet == Jet()
