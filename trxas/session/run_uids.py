"""The return value of a call of the RunEngine."""

from __future__ import annotations

from typing import Any

from bluesky.run_engine import RunEngineResult


class RunUids(tuple[str, ...]):
    """The uids of the runs of a plan, as bluesky returns them, with what the plan itself returned in `plan_result`.

    A plan without a run, such as `rezero` or `bps.rd`, is shown at the prompt by the number or text that it returns,
    instead of an empty list.
    """

    plan_result: Any = None

    @classmethod
    def of(cls, result: RunEngineResult) -> RunUids:
        """Return the uids and the plan's result from all that bluesky knows of a call."""
        uids = cls(result.run_start_uids)
        uids.plan_result = result.plan_result
        return uids

    def __repr__(self) -> str:
        """Return the uids as a tuple; without any, the plan's result if that is a number or a string."""
        shown = isinstance(self.plan_result, bool | int | float | str) and not self
        return repr(self.plan_result) if shown else super().__repr__()
