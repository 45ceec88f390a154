"""If these fail, a rule of the house is broken that a tool can check."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.waiting import COMMAND_S

REPOSITORY = Path(__file__).parents[2]
TOOLS = Path(sys.executable).parent


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["mypy"], id="types"),
        pytest.param(["ruff", "check", "."], id="lint"),
        pytest.param(["ruff", "format", "--check", "."], id="format"),
        pytest.param(["lint-imports", "--no-cache"], id="imports go downwards"),
    ],
)
def test_tool_finds_nothing(command: list[str]) -> None:
    """Lost: the error that a type checker or a linter would have shown before a beam time."""
    tool, *arguments = command
    done = subprocess.run(
        [TOOLS / tool, *arguments], cwd=REPOSITORY, capture_output=True, text=True, timeout=COMMAND_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
