"""If these fail, a rule of the house is broken that a tool can check."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.waiting import COMMAND_S

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs"
TOOLS = Path(sys.executable).parent


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["mypy"], id="types"),
        pytest.param(["ruff", "check", "."], id="lint"),
        pytest.param(["ruff", "format", "--check", "."], id="format"),
        pytest.param(["lint-imports", "--no-cache"], id="imports go downwards"),
        pytest.param(["codespell"], id="words"),
    ],
)
def test_tool_finds_nothing(command: list[str]) -> None:
    """Lost: the error that a type checker or a linter would have shown before a beam time."""
    tool, *arguments = command
    done = subprocess.run(
        [TOOLS / tool, *arguments], cwd=REPOSITORY, capture_output=True, text=True, timeout=COMMAND_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_phrase_needs_a_second_reading() -> None:
    """Lost: the native reader who gives up at "those configured else"; docs/contributing/phrases.txt lists them."""
    phrases = (DOCS / "contributing" / "phrases.txt").read_text(encoding="utf-8").split("\n")
    # A phrase may continue on the next line, in a comment behind its "#".
    patterns = [r"\s+(?:#\s+)?".join(map(re.escape, phrase.split())) for phrase in phrases if phrase]
    pattern = re.compile(rf"\b(?:{'|'.join(patterns)})\b", re.IGNORECASE)
    listed = subprocess.run(
        ["git", "ls-files", "*.py", "*.md"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout.split()
    read = [name for name in listed if not name.startswith(("docs/contributing/", "tests/"))]
    assert read
    found = [
        f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]!r}"
        for name in read
        for text in [(REPOSITORY / name).read_text(encoding="utf-8")]
        for match in pattern.finditer(text)
    ]
    assert found == []


def test_the_picture_of_the_architecture_is_current() -> None:
    """Run `.venv/bin/python docs/pictures/architecture.py` after an import between packages has changed."""
    made = subprocess.run(
        [sys.executable, "-c", "from docs.pictures.architecture import svg; print(svg(), end='')"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=COMMAND_S,
        check=True,
    )
    assert made.stdout == (DOCS / "images" / "architecture.svg").read_text(encoding="utf-8")


def test_the_list_of_folders_is_current() -> None:
    """Run `.venv/bin/python docs/write_folders.py` after a package or a contract of imports has changed."""
    listed = runpy.run_path(str(DOCS / "write_folders.py"))
    assert listed["page"]() == listed["PAGE"].read_text(encoding="utf-8")


def test_the_tests_that_the_documentation_names_are_there() -> None:
    """Lost: a table that says what is tested, and a test that is gone."""
    named = {
        (path, name)
        for page in DOCS.rglob("*.md")
        for path, name in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page.read_text(encoding="utf-8"))
    }
    assert named
    missing = [one for one in named if f"def {one[1]}(" not in (REPOSITORY / one[0]).read_text(encoding="utf-8")]
    assert missing == []
