"""Command lines as a user types them, in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.waiting import COMMAND_S
from trxas.commands.main import main

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder of its own."""
    return tmp_path / "data"


Refused = Callable[..., str]


@pytest.fixture
def refused(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Refused:
    """`refused(*arguments)`: what a command line says that is refused, in this process, which has its libraries."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRXAS_DATA", str(data))

    def run(*arguments: str) -> str:
        try:
            code: object = main(arguments)
        except SystemExit as ended:
            code = ended.code
        assert code == 2
        return capsys.readouterr().err

    return run


@pytest.fixture
def trxas(data: Path, tmp_path: Path, ca_repeater: None) -> Run:
    """Run `trxas ...` in an empty folder with its own data."""

    def run(*arguments: str, timeout_s: float = COMMAND_S, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "trxas.commands.main", *arguments],
            cwd=tmp_path,
            env={**os.environ, "TRXAS_DATA": str(data)},
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )
        assert not check or done.returncode == 0, f"{arguments} failed:\n{done.stdout}\n{done.stderr}"
        return done

    return run
