"""If these fail, `trxas coverage` reports nothing or never ends."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.channel_access


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--samples", "0"), "give a whole number from 1"),
        (("--samples", "few"), "--samples: few should be a valid integer"),
        (("--samples", "4", "--seed", "-1"), "--seed -1"),
        (("--samples", "4", "--json", "no/such/folder/c.json"), "folder that exists"),
        ((), "--samples"),
    ],
)
def test_a_wrong_request_is_refused_before_anything_is_measured(
    refused: Any, arguments: tuple[Any, ...], message: str
) -> None:
    assert message in refused("coverage", *arguments)
