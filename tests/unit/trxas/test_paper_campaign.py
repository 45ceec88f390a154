"""If these fail, `trxas paper` does not measure its sections, or reports numbers that were not measured.

Every truth is in the simulated sample; the command sees PVs only.
"""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.channel_access


def test_an_unknown_part_lists_the_known_ones(refused: Any) -> None:
    assert "temperature" in refused("paper", "--only", "everything")
