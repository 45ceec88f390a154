"""The question for the reduction of the present run: when it is due, and which answer belongs to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gui.live.frame import LiveFrame
    from gui.live.request import Answer, Request
    from trxas.watch.view import Reduced

REST = 4.0
"""A reduction is followed by a rest of this many times its processor time: it takes a fifth of a core at most."""

SHORTEST_REST_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Asked:
    """State of a run when its reduction was requested: its `uid`, number of `events` and end, if any."""

    uid: str
    events: int
    exit_status: str | None


class Question:
    """Decides when the reduction of a run is due. Only one thread may use it."""

    # States: idle, asked, resting. Idle becomes asked when the run is not as it was at the last answer; asked becomes
    # resting with the answer; resting becomes idle after some time. A new run makes it idle at once.
    #
    # An answer may be older than the question: the worker may still compute the previous one when that is withdrawn and
    # asked again, and the frames then show the old answer under the new question. The number of events of an answer
    # shows this. Invariant: the answer that ends a question has all events that the run had when it was asked; so the
    # last answer of a run has all events of the run.

    def __init__(self, request: Request[Reduced]) -> None:
        self._request = request
        self._asked: Asked | None = None
        self._answered: Asked | None = None
        self._rest_until_s = 0.0

    def begin(self) -> None:
        """Forget the question and the answer of another run."""
        self._asked = None
        self._answered = None
        self._rest_until_s = 0.0

    def ask(self, frame: LiveFrame, now_s: float) -> bool:
        """Return whether to ask at `now_s`, s: the run has changed, and the pause after the last answer is over."""
        if self._asked is not None or now_s < self._rest_until_s or frame.run is None:
            return False
        present = Asked(uid=frame.run.uid, events=frame.events, exit_status=frame.exit_status)
        if present == self._answered:
            return False
        self._asked = present
        return True

    def take(self, frame: LiveFrame, now_s: float) -> Answer[Reduced] | None:
        """Return the answer to the question if `frame` has it, and pause from `now_s`, s, on; None if not."""
        answer = frame.answer(self._request)
        if self._asked is None or answer is None or answer.events < self._asked.events:
            return None
        self._answered = self._asked
        self._asked = None
        cost_s = 0.0 if answer.value is None else answer.value.cost_s
        # Of what the answer cost, not of how long it took: on a busy machine the page would show minutes too late.
        self._rest_until_s = now_s + max(REST * cost_s, SHORTEST_REST_S)
        return answer
