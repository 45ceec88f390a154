"""Requests of the panels about a run, and the answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

if TYPE_CHECKING:
    from gui.live.run_state import RunState

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Request(ABC, Generic[T_co]):
    """A question about a run. Subclasses are frozen dataclasses, so that equal requests are computed once.

    `slow` requests (fits, images: more than a few ms) are computed in their own threads and may lag behind; they rest
    for at least `rest_s`, s, after each answer. `unhurried` requests, of numbers that are read and not watched, are
    answered one at a time after a frame, and appear with the next one.
    """

    slow: ClassVar[bool] = False
    rest_s: ClassVar[float] = 0.0
    unhurried: ClassVar[bool] = False

    @abstractmethod
    def compute(self, run: RunState) -> T_co:
        """Return the answer, by functions of `reduction`. Raises ReductionError while there is none."""


@dataclass(frozen=True, kw_only=True)
class Answer(Generic[T]):
    """The answer to a request from the first `events` events: `value`, or None and the `problem` in words."""

    value: T | None
    problem: str
    events: int
