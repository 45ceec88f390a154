"""If these fail, a library imports what it needs for nothing but its version, or a user can no longer import that."""

from __future__ import annotations

import sys

import pytest

from processes.refused_import import import_refused

UNUSED = "this"
"""A module of Python's that nothing imports: its import prints a poem."""


def test_an_import_is_refused_and_possible_afterwards(capsys: pytest.CaptureFixture[str]) -> None:
    sys.modules.pop(UNUSED, None)
    with import_refused(UNUSED), pytest.raises(ImportError):
        __import__(UNUSED)
    __import__(UNUSED)
    assert "Zen" in capsys.readouterr().out


def test_what_is_imported_already_stays() -> None:
    with import_refused("json"):
        assert __import__("json").loads("1") == 1
    assert "json" in sys.modules


def test_an_error_meanwhile_does_not_forbid_the_import_for_good() -> None:
    sys.modules.pop(UNUSED, None)
    with pytest.raises(ZeroDivisionError), import_refused(UNUSED):
        _ = 1 / 0
    assert UNUSED not in sys.modules
