"""If these fail, two sessions hold one beamline and both move it."""

from __future__ import annotations

import pytest

from devices.supervision.lock_text import LOCK_TEXT_LENGTH, lock_text

LONG = "maximiliane.musterfrau-schmidt@synchrotron-facility.example.org@beamline-7id-d-contr:4194304"


@pytest.mark.parametrize("name", ["me@host:1", "a" * 34 + "@host:12345", LONG, "x" * 200, "ü@h:1"])
def test_two_sessions_of_one_name_differ_within_an_epics_string(name: str) -> None:
    texts = {lock_text(name) for _ in range(100)}
    assert len(texts) == 100
    assert all(len(text) <= LOCK_TEXT_LENGTH for text in texts)


def test_a_short_name_is_complete_and_a_long_one_keeps_its_process() -> None:
    """People find the session by it."""
    assert lock_text("me@host:4194304").startswith("me@host:4194304#")
    name, _, unique = lock_text("maximiliane.musterfrau@host:4194304").rpartition("#")
    assert name.endswith("@host:4194304")
    assert name.startswith("max")
    assert len(unique) == 8
