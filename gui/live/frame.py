"""The state of a run at one instant, as the window gets it: immutable and complete, with its age."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from gui.live.left_out import LeftOutRun
from gui.live.rejection import Rejection
from gui.live.request import Answer, Request
from gui.live.suspended import Suspended

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class RunHeader:
    """Facts of the start document: identity, plan, sample, and `start`, the document itself.

    `time_s`: Unix time of the start. `exposures`: number of events that are planned, None if unknown.
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
    """The source of documents and the state of the connection to it.

    `connected`: the source answers. `last_document_at`: `time.monotonic()` when the latest document was made, None
    before. `lag_s`: age of that document on arrival, by the clock of its sender. `missed`: number of documents that are
    known to be lost. `live` is False for a replay. `remark`: the problem, in words.
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
    """A snapshot of the run, its progress, and the answers to the requests of the panels.

    `number` grows with every frame. `events` counts the events of the run, `rejected` those that failed a condition;
    `rejections` are the latest of them. `suspension`: why the run waits, None while it measures. `exit_status` is None
    while the run is open; `ended_s` is the Unix time of its end. `latest` are the data of the latest event. `left_out`
    are the earlier runs of the series that the scope "series" cannot include.
    """

    number: int
    feed: FeedState
    run: RunHeader | None = None
    events: int = 0
    rejected: int = 0
    rejections: tuple[Rejection, ...] = ()
    suspension: Suspended | None = None
    left_out: tuple[LeftOutRun, ...] = ()
    exit_status: str | None = None
    ended_s: float | None = None
    latest: Mapping[str, Any] = field(default_factory=dict, repr=False)
    answers: Mapping[Request[Any], Answer[Any]] = field(default_factory=dict, repr=False)

    def answer(self, request: Request[T]) -> Answer[T] | None:
        """Return the answer to `request`, None until it has been computed."""
        return cast("Answer[T] | None", self.answers.get(request))
