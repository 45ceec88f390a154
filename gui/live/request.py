"""What a panel wants to know of a run, and the answer to it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

if TYPE_CHECKING:
    from gui.live.run_state import RunState

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Request(ABC, Generic[T_co]):
    """A question about a run; subclasses are frozen dataclasses, so that equal questions are computed once.

    `slow` ones (fits, images: more than a few ms) are computed beside the others and may lag behind.
    """

    slow: ClassVar[bool] = False

    @abstractmethod
    def compute(self, run: RunState) -> T_co:
        """The answer by functions of `reduction`; raises ReductionError where there is none (yet)."""


@dataclass(frozen=True, kw_only=True)
class Answer(Generic[T]):
    """What came of a request: `value`, or None and the `problem` in words; from the run's first `events` events."""

    value: T | None
    problem: str
    events: int
