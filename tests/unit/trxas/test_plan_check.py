"""If these fail, a function that measures by itself, given to RE, ends in a traceback of 200 lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bluesky.plan_stubs as bps
import pytest

from errors import InputError
from trxas.session.remote_control import check_is_plan
from trxas.session.run_uids import RunUids


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("3f2a91c0-uid", "'3f2a91c0-uid', a str. Give a plan"),
        (None, r"nothing \(None\)"),
        (12.5, "12.5, a float"),
        (RunUids(("3f2a91c0-uid",)), "what RE has returned"),
        ([iter(()), iter(())], r"RE runs one plan, but this is a list of 2.*pchain\(plan1, plan2\)"),
    ],
)
def test_what_is_no_plan_is_refused_with_what_to_type(given: object, text: str) -> None:
    with pytest.raises(InputError, match=text):
        check_is_plan(given)


def test_every_plan_of_bluesky_is_taken() -> None:
    def plan() -> Iterator[Any]:
        yield from bps.null()

    check_is_plan(plan())
    check_is_plan(list(plan()))
    check_is_plan(iter(list(plan())))
