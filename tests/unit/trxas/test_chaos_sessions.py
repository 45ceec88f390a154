"""If these fail, chaos measures in another session than the one that people start, or with other settings."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from errors import InputError
from trxas.commands import kills
from trxas.configuration import DEFAULT_CONFIGURATION, load_configuration
from trxas.validation.robustness.session_kind import SessionChoice, SessionKind, screen_of
from trxas.validation.robustness.strict_configuration import write_strict_configuration


def test_all_sessions_are_every_kind_once() -> None:
    """Lost: the kind that is left out of `--session all`."""
    assert SessionChoice.ALL.kinds() == tuple(SessionKind)
    assert [SessionChoice(kind.value).kinds() for kind in SessionKind] == [(kind,) for kind in SessionKind]


@pytest.mark.parametrize("without", [(), ("connection_timeout_s", "i0_tolerance")])
def test_the_sessions_wait_for_the_ioc_check_the_flux_and_are_otherwise_as_usual(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, without: tuple[str, ...]
) -> None:
    """Lost: exposures with a dropout of the ion chamber that are called good, by a setting that was not replaced."""
    usual = tmp_path / "usual.toml"
    lines = DEFAULT_CONFIGURATION.read_text(encoding="utf-8").splitlines(keepends=True)
    usual.write_text("".join(line for line in lines if line.partition(" ")[0] not in without), encoding="utf-8")
    monkeypatch.setenv("TRXAS_CONFIG", str(usual))
    strict = load_configuration(write_strict_configuration(tmp_path / "strict.toml")).beamline
    expected = load_configuration(usual).beamline
    assert strict == replace(
        expected,
        epics=replace(expected.epics, connection_timeout_s=60.0),
        quality=replace(expected.quality, i0_tolerance=0.01),
    )
    assert tomllib.loads((tmp_path / "strict.toml").read_text(encoding="utf-8"))


def test_only_a_session_with_a_screen_starts_one() -> None:
    """Lost: a process per run; this one may not even start any."""
    for kind in set(SessionKind) - {SessionKind.IPYTHON_SCREEN}:
        with screen_of(kind) as screen:
            assert screen == ""


def test_kills_refuse_the_queue_and_name_the_command_that_has_it() -> None:
    """Lost: minutes of a run in which two servers quarrel over one data folder."""
    with pytest.raises(InputError, match="trxas chaos"):
        kills.run(kills.KillsOptions(session=SessionKind.QUEUE))
