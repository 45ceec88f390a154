"""Panels that show one answer: their shared rules for drawing, with and without an answer."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection
from typing import Any, ClassVar, Generic, TypeVar

from gui.live.frame import LiveFrame
from gui.live.request import Request
from gui.panels.panel import AnswerSlot, Panel, other_kind, problem_of
from gui.plots.axis import Quantity

T = TypeVar("T")


class SingleAnswerPanel(Panel, Generic[T]):
    """A panel whose curves and numbers all come from the answer to one request.

    Subclasses override `request`, `show_answer`, `show_nothing` and `show_message`. `scans_of`: the axis of the runs
    that it can show, None for all runs; for others it names the axis instead of the problem of the answer.
    """

    scans_of: ClassVar[Quantity | None] = None

    def __init__(self) -> None:
        super().__init__()
        self._slot: AnswerSlot[T] = AnswerSlot()

    @abstractmethod
    def request(self) -> Request[T]:
        """Return the request, by the current choices of the user."""

    @abstractmethod
    def show_answer(self, value: T) -> None:
        """Replace curves and numbers by those of the answer."""

    @abstractmethod
    def show_nothing(self) -> None:
        """Remove all curves and numbers."""

    @abstractmethod
    def show_message(self, text: str) -> None:
        """Show `text` where the curves would be, "" to remove it."""

    def requests(self) -> Collection[Request[Any]]:
        """Return the one request."""
        return (self.request(),)

    def draw(self, frame: LiveFrame) -> None:
        """Show the answer, or why there is none, if it has changed."""
        request = self.request()
        if not self._slot.changed(frame, request):
            return
        answer = frame.answer(request)
        unfit = other_kind(frame, self.scans_of) if self.scans_of is not None else ""
        self.show_message(unfit or problem_of(answer))
        if answer is None or answer.value is None:
            self.show_nothing()
        else:
            self.show_answer(answer.value)
