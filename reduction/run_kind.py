"""What a kind of run is: how to recognise it, how to add up its documents, and what the sums reduce to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from errors import ReductionError

if TYPE_CHECKING:
    from reduction.image_references import ImageReference
    from reduction.types import Document, FloatArray, Mode, Reference

CurveKind: TypeAlias = Literal["transient", "on", "off"]
"""Which curve of a pump-probe run."""

ReadImage: TypeAlias = "Callable[[ImageReference], FloatArray]"
"""Reads the image (rows, columns) that an event refers to; raises ReductionError if it cannot be read."""


class RunSums(Protocol):
    """Running sums of one run: call it with `(name, document)`; raises ReductionError for senseless documents."""

    def __call__(self, name: str, doc: Document) -> None:
        """Take one document of the bluesky event model."""


@dataclass(frozen=True, kw_only=True)
class CurveChoice:
    """How a pump-probe run becomes one curve: curve, detection mode, probe and reference; other runs have one only."""

    curve: CurveKind = "transient"
    mode: Mode = "spc"
    probe: int = 0
    reference: Reference = "unpumped probe"


@dataclass(frozen=True, kw_only=True)
class RunCurve:
    """A curve of a run: `axis` is an event field that is scanned, or "q_inv_angstrom"; `x`, `y`, `sigma` (points,).

    `quantity` names `y` with its unit; curves of different quantities do not belong in one plot. `sigma` is None where
    the reduction gives no error.
    """

    uid: str
    axis: str
    quantity: str
    x: FloatArray
    y: FloatArray
    sigma: FloatArray | None


@dataclass(frozen=True, kw_only=True)
class RunResults:
    """What a run reduces to; every kind has its own subclass with its numbers.

    `kind` is the name of the run's kind. `remarks` are sentences on what could not be reduced, and why: a run that
    reduces to nothing has nothing but them.
    """

    kind: str
    remarks: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Return the numbers as lines of text, each with its error and unit."""
        return []

    def table(self) -> str:
        """Return the numbers and the remarks as text, a line each."""
        return "\n".join([*self.lines(), *self.remarks])


@dataclass(frozen=True, kw_only=True)
class RunKind:
    """One kind of run.

    `is_kind` decides by the start document. `sums` makes fresh sums for one run; those of runs with images read them
    with the function they are given. `reduce` and `curve` get such sums, complete or not, and raise ReductionError,
    with the reason, where there is nothing to reduce (yet).
    """

    name: str
    is_kind: Callable[[Document], bool]
    sums: Callable[[ReadImage], RunSums]
    reduce: Callable[[Any], RunResults]
    curve: Callable[[Any, CurveChoice], RunCurve]


def cannot_read_image(reference: ImageReference) -> FloatArray:
    """Refuse to read an image; for reductions that have none. Raises ReductionError."""
    raise ReductionError(f"The image file {reference.path} is not read here. Reduce the run from its store.")
