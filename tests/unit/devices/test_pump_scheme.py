"""If these fail, gates are read at the wrong delays, or an impossible scheme is found out at night."""

from __future__ import annotations

from typing import Any

import pytest

from devices.configuration import BeamlineConfiguration, beamline_from_table, read_toml
from errors import ConfigurationError
from tests.support.scheme_files import SCHEMES
from trxas.configuration import DEFAULT_CONFIGURATION, load_configuration

FOLLOWING = {
    "laser": ["required_divider"],
    "exposure": ["probes"],
    "geometry": ["bunch_period_ps", "harmonic_number", "bunches", "pumped_probe", "unpumped_probe"],
}


def content(**changes: Any) -> dict[str, Any]:
    """Return the default configuration with the camshaft scheme, of which `changes` replace keys."""
    found = read_toml(DEFAULT_CONFIGURATION)
    del found["storage"]
    for table, keys in FOLLOWING.items():
        found[table] = {key: value for key, value in found[table].items() if key not in keys}
    scheme = read_toml(SCHEMES / "sls-hybrid-camshaft.toml")["pump_scheme"]
    return {**found, "pump_scheme": {key: value for key, value in {**scheme, **changes}.items() if value is not None}}


def beamline(file: str) -> BeamlineConfiguration:
    return beamline_from_table({**content(), **read_toml(SCHEMES / file)}, file)


def refused(**changes: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        beamline_from_table(content(**changes), "mine.toml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("file", "delays_ns", "period_ns", "references", "until_ns"),
    [
        ("aps-24-bunches-pump-5.toml", [0, 153.44, 306.88, 460.32, 613.76], 767.20, (4,), 153.44),
        ("aps-324-bunches.toml", [0, 11.366, 1841.28, -22.732, -11.366], 3682.55, (3, 4), 11.366),
        ("als-two-bunches.toml", [0, 328.2, 656.4, 984.6], 1312.8, (3,), 328.2),
        ("esrf-16-bunches.toml", [0, 176.04, -176.04], 528.11, (2,), 176.04),
        ("sls-hybrid-camshaft.toml", [0, -1921.4, -960.7], 2882.1, (1, 2), 960.7),
    ],
)
def test_a_shipped_scheme_gives_its_gates(
    file: str, delays_ns: list[float], period_ns: float, references: tuple[int, ...], until_ns: float
) -> None:
    """Lost: delays of gates that are right at one ring only."""
    configuration = beamline(file)
    scheme = configuration.scheme
    assert [1e-3 * delay for delay in scheme.gate_delays_ps] == pytest.approx(delays_ns, rel=1e-4)
    assert 1e-3 * scheme.pump_period_ps == pytest.approx(period_ns, rel=1e-4)
    assert scheme.reference_probes == references
    assert scheme.unpumped_until_ps == pytest.approx(1e3 * until_ns, rel=1e-4)
    assert configuration.exposure.probes == len(delays_ns)
    assert configuration.laser.required_divider == scheme.rate_divider
    assert configuration.geometry.unpumped_probe == scheme.unpumped_probe


def test_every_shipped_scheme_is_tested() -> None:
    assert len(list(SCHEMES.glob("*.toml"))) == 5


def test_the_default_scheme_is_that_of_equally_spaced_bunches() -> None:
    """Lost: the numbers of every run so far."""
    scheme = load_configuration(DEFAULT_CONFIGURATION).beamline.scheme
    assert scheme.gate_delays_ps == (0.0, 153_400.0, 306_800.0, 460_200.0, 613_600.0)
    assert (scheme.pump_period_ps, scheme.unpumped_until_ps) == (767_000.0, 153_400.0)
    assert (scheme.pumped_probe, scheme.reference_probes, scheme.rate_divider) == (0, (4,), 5)
    assert scheme.probes_by_next_pump[:2] == (4, 3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gates": [0, 3]}, "3 revolutions: that pulse, at 2882.1 ns, meets the next pump or comes after it"),
        ({"gates": [0, -1, 2]}, "two of them see the same pulse of the pump period of 2882.1 ns"),
        ({"gates": [1, 2]}, "none sees the pumped pulse. Add 0"),
        ({"gates": [0]}, "has 1 entries: 2 to 64 are needed"),
        ({"gates": [0, 1], "gates_in": "buckets"}, "gates 1 buckets: bucket 436 is empty"),
        ({"gates": [0, 400], "gates_in": "buckets", "gate_width_ps": 5000.0}, "sees the next bunch too"),
        ({"pumped_bucket": 436}, "pumped_bucket = 436: is empty"),
        ({"pump_divider_of": "bunches"}, "the bunches are not equally spaced"),
        ({"pump_divider_of": "turns"}, "pump_divider_of = 'turns': must be 'bunches' or 'revolutions'"),
        ({"pump_divider": 0}, "pump_divider = 0: must be from 1 up to 1000"),
        ({"fill": [[0, 390, 1, 1.0], [389, 1, 1, 1.0]]}, "fills bucket 389 twice"),
        ({"fill": [[0, 481, 1, 1.0]]}, "puts a bunch into bucket 480: the ring has the buckets 0 to 479"),
        ({"fill": [[0, 390, 1, 0.0]]}, "row [0, 390, 1, 0.0]: first bucket must be at least 0"),
        ({"fill": [[0, 390]]}, "has the wrong form. Give the rows [first bucket"),
        ({"fill": []}, "fill is empty"),
        ({"buckets": 48_000}, "puts the buckets 20.01 ps apart"),
        ({"revolution_ps": None}, "revolution_ps is missing. Allowed: from 10000 up to 1e+07 ps"),
        ({"gates": [0, 1.5]}, "[pump_scheme] gates"),
    ],
)
def test_a_scheme_that_cannot_be_is_refused(changes: dict[str, Any], message: str) -> None:
    """Lost: a night in which the reference was pumped."""
    assert message in refused(**changes)


def test_all_faults_of_a_scheme_are_in_one_message() -> None:
    """Lost: a restart per fault."""
    found = content(gates=[1, -1, 5], gate_width_ps=1e6)
    found["laser"] = {**found["laser"], "required_divider": 5}
    found["energy"] = {**found["energy"], "tolerance_ev": -1.0}
    with pytest.raises(ConfigurationError) as caught:
        beamline_from_table(found, "mine.toml")
    text = str(caught.value)
    assert text.startswith("mine.toml has ")
    for part in (
        "[energy] tolerance_ev",
        "none sees the pumped pulse",
        "5 revolutions: that pulse",
        "sees the next",
        "Remove it",
    ):
        assert part in text


def test_keys_that_follow_from_a_scheme_are_refused_beside_it() -> None:
    """Lost: a file with two dividers, of which one is ignored."""
    found = content()
    found["laser"] = {**found["laser"], "required_divider": 5}
    found["geometry"] = {**found["geometry"], "bunch_period_ps": 153_400.0, "irf_sigma_ps": 99_000.0}
    with pytest.raises(ConfigurationError) as caught:
        beamline_from_table(found, "mine.toml")
    text = str(caught.value)
    assert "[laser] required_divider follows from [pump_scheme]. Remove it." in text
    assert "[geometry] bunch_period_ps follows from [pump_scheme]. Remove it." in text
    assert "irf_sigma_ps = 99000 ps: must be below 90065.6 ps" in text
