"""If these fail, `trxas paper` does not measure its sections, or reports numbers that were not measured.

Every truth is in the simulated sample; the command sees PVs only.
"""

from __future__ import annotations

from typing import Any

import pytest

from trxas.validation.paper.sections import SECTIONS

pytestmark = pytest.mark.channel_access


def test_an_unknown_part_lists_the_known_ones(refused: Any) -> None:
    message = refused("paper", "--only", "everything")
    assert [section.name for section in SECTIONS if section.name not in message] == []


def test_a_sample_is_given_once_and_to_a_simulation_only(refused: Any) -> None:
    """Lost: the truth that a blind campaign is compared with."""
    assert "Use one of them" in refused("paper", "--blind", "--sample", "fe_bpy3")
    assert "Leave out" in refused("paper", "--blind", "--address-list", "127.0.0.1:9")
