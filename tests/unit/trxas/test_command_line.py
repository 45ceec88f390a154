"""If these fail, a command gives a traceback, or no answer, where a person needs one."""

from __future__ import annotations

import inspect
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from bluesky.utils import Msg

import plans
from errors import ConfigurationError, StorageError
from trxas.configuration import DEFAULT_CONFIGURATION, StorageSettings, load_configuration
from trxas.session.session import bind, with_free_space


def test_plans_complete_without_the_beamline_argument() -> None:
    bound = bind(plans.energy_scan, None)  # type: ignore[arg-type]  # only the signature is looked at
    assert list(inspect.signature(bound).parameters)[:2] == ["edge", "delay_ps"]
    assert "Scan the energy" in (bound.__doc__ or "")
    assert inspect.isgeneratorfunction(bound)


def test_a_full_disk_refuses_the_plan_before_its_first_message(tmp_path: Path) -> None:
    storage = StorageSettings(directory=str(tmp_path), minimum_free_mb=10**9)
    sent: list[str] = []

    def plan() -> Generator[Msg, Any, None]:
        sent.append("first message")
        yield Msg("null")

    with pytest.raises(StorageError, match=str(tmp_path)):
        list(with_free_space(plan(), storage=storage))
    assert sent == []


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("low_ev = 4000.0", "", r"\[energy\] low_ev is missing. Allowed: from 1000 up to 200000 eV"),
        ("low_ev = 4000.0", "low_ev = 4000.0\nhigh_kev = 3.0", "high_kev is an unknown key. Did you mean high_ev"),
        ("low_ev = 4000.0", 'low_ev = "4000"', r"\[energy\] low_ev = '4000' eV: must be a number, from 1000"),
        ("low_ev = 4000.0", "low_ev = nan", "must be finite"),
        ("low_ev = 4000.0", "low_ev = 20900.0", r"\[energy\] low_ev = 20900 eV: must be below high_ev = 20000 eV"),
        ("coarse_sign = 1", "coarse_sign = 2", r"\[delay\] coarse_sign = 2: must be from -1 up to 1"),
        ("coarse_sign = 1", "coarse_sign = 0", r"\[delay\] coarse_sign = 0: must be 1 or -1"),
        ("coarse_step_ps = 1000.0", "coarse_step_ps = 0.0", "coarse_step_ps = 0.0 ps: must be above 0"),
        ("maximum_mj_cm2 = 14.0", "maximum_mj_cm2 = 12.0", "must not exceed maximum_mj_cm2 = 12 mJ/cm2"),
        ("boxcar_polarity = -1", "boxcar_polarity = 0", "boxcar_polarity = 0: must be 1 or -1"),
        ("unpumped_probe = 4", "unpumped_probe = 7", "within 0 to 4"),
        ("required_divider = 5", "required_divider = 4", "required_divider = 4: must equal exposure.probes = 5"),
        ("[energy]", "[energies]", r"\[energies\] is unknown. Did you mean energy"),
        ("[energy]", "[energy", "Cannot read configuration file"),
        ("minimum_free_mb", "minimum_free_gb", r"\[storage\] minimum_free_gb .* Did you mean minimum_free_mb"),
    ],
)
def test_a_wrong_configuration_names_the_file_and_the_key(
    tmp_path: Path, before: str, after: str, message: str
) -> None:
    text = DEFAULT_CONFIGURATION.read_text()
    assert before in text
    path = tmp_path / "beamline.toml"
    path.write_text(text.replace(before, after, 1))
    with pytest.raises(ConfigurationError, match=message):
        load_configuration(path)


def test_only_address_and_prefix_differ_between_simulated_and_real(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EPICS_CA_ADDR_LIST")
    real = load_configuration().beamline
    simulated = load_configuration(address_list="127.0.0.1:9999", prefix="sim:").beamline
    assert simulated.epics.address_list == "127.0.0.1:9999"
    assert (simulated.energy, simulated.delay, simulated.exposure) == (real.energy, real.delay, real.exposure)
