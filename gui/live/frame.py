"""The state of a run at one instant, as it is handed to the window: immutable, complete, with its age."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from gui.live.rejection import Rejection
from gui.live.request import Answer, Request

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class RunHeader:
    """What the start document says: identity, plan, sample, and `start`, the document itself.

    `exposures` is the number of events that are planned, None if the plan does not say.
    """

    uid: str
    scan_id: int | None
    plan_name: str
    sample: str
    edge: str
    series: str
    time_s: float
    exposures: int | None
    start: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class FeedState:
    """Where documents come from and how well they come.

    `connected`: the source answers. `last_document_at`: `time.monotonic()` when the latest one arrived, None before.
    `lag_s`: its age when it arrived, by the clock of its sender. `missed`: documents known to be lost and not
    recovered. `live` is False for a replay. `remark`: what is wrong, in words.
    """

    source: str
    live: bool
    connected: bool
    last_document_at: float | None = None
    lag_s: float | None = None
    missed: int = 0
    remark: str = ""


@dataclass(frozen=True, kw_only=True)
class LiveFrame:
    """One hand-over: the run, how far it is, and the answers to the requests of the panels.

    `number` grows with every frame, `events` with every event of the run, of which `rejected` failed a condition; the
    latest of them are `rejections`.
    `exit_status` is None while the run is open. `latest` are the data of the latest event.
    """

    number: int
    feed: FeedState
    run: RunHeader | None = None
    events: int = 0
    rejected: int = 0
    rejections: tuple[Rejection, ...] = ()
    exit_status: str | None = None
    latest: Mapping[str, Any] = field(default_factory=dict, repr=False)
    answers: Mapping[Request[Any], Answer[Any]] = field(default_factory=dict, repr=False)

    def answer(self, request: Request[T]) -> Answer[T] | None:
        """The answer to `request`, None as long as it has not been computed."""
        return cast("Answer[T] | None", self.answers.get(request))
