"""If these fail, a form of the window has fields without types, or the queue refuses a plan's arguments."""

from __future__ import annotations

from typing import Any

import pytest
from bluesky_queueserver.manager.profile_ops import _process_plan

from plans.registry import sorted_plans
from trxas.session.session import bind

PLANS = {plan.entry.name: plan for plan in sorted_plans()}


@pytest.mark.parametrize("name", PLANS)
def test_the_queue_server_reads_types_and_words_of_a_plan(name: str) -> None:
    bound: Any = bind(PLANS[name], None)  # type: ignore[arg-type]  # only its signature is read
    read = _process_plan(bound, existing_devices={}, existing_plans={})
    assert read["description"]
    assert [parameter["name"] for parameter in read["parameters"] if "annotation" not in parameter] == []
