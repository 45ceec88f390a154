"""Kinds of runs of powder diffraction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from errors import ReductionError
from reduction.events import PrimaryEvents
from reduction.image_references import AssetIndex, ImageReference
from reduction.run_kind import CurveChoice, ReadImage, RunCurve, RunKind, RunResults

if TYPE_CHECKING:
    from reduction.powder.diffraction import Pattern
    from reduction.types import Document


class PowderSums:
    """References to the good images of one run, which `pattern` reads: call it with `(name, document)`."""

    def __init__(self, read_image: ReadImage) -> None:
        self.start: Document = {}
        self.images: list[ImageReference] = []
        self.temperatures_c: list[float] = []
        self._read_image = read_image
        self._events = PrimaryEvents()
        self._assets = AssetIndex()

    def __call__(self, name: str, doc: Document) -> None:
        """Take one document of the bluesky event model; raises KeyError for one without the keys of its kind."""
        if name == "start":
            self.start = doc
        self._assets(name, doc)
        for event in self._events(name, doc):
            self._take(event["data"])

    def pattern(self) -> Pattern:
        """Return the powder pattern of the sum of all images, counts per pixel and image.

        The geometry is that of the start document. Raises ReductionError without a good image that can be read.
        """
        # Importing pyFAI takes a second, for which no other kind of run should wait.
        from reduction.powder.diffraction import integrate
        from reduction.powder.series import geometry_of, hot_pixels

        if not self.images:
            raise ReductionError("The run has no good image yet. Wait for the first one.")
        images = [self._read_image(reference) for reference in self.images]
        # Summed, not averaged: the errors of the integration are those of counts.
        return integrate(
            np.sum(images, axis=0),
            geometry_of(self.start),
            mask=hot_pixels(images[0]),
            normalisation=float(len(images)),
        )

    def _take(self, data: Document) -> None:
        reference = self._assets.find(data, 0)
        if reference is not None and not data.get("quality"):
            self.images.append(reference)
            if "temperature_c" in data:
                self.temperatures_c.append(float(data["temperature_c"]))


@dataclass(frozen=True, kw_only=True)
class PowderResults(RunResults):
    """Powder pattern of `images` images; `temperature_c` is their mean, None if it was not recorded."""

    pattern: Pattern
    images: int
    temperature_c: float | None

    def lines(self) -> list[str]:
        """Return the number of images, their temperature, C, and the strongest line, 1/Angstrom."""
        top = float(self.pattern.q_inv_angstrom[self.pattern.intensity.argmax()])
        at = "" if self.temperature_c is None else f" at {self.temperature_c:.2f} C"
        return [f"{'powder pattern':<22} images: {self.images}{at}, strongest at {top:.3f} 1/Angstrom"]


def _reduce_powder(run: PowderSums) -> RunResults:
    temperature_c = float(np.mean(run.temperatures_c)) if run.temperatures_c else None
    return PowderResults(kind=POWDER.name, pattern=run.pattern(), images=len(run.images), temperature_c=temperature_c)


def _powder_curve(run: PowderSums, _: CurveChoice) -> RunCurve:
    found = run.pattern()
    return RunCurve(
        uid=str(run.start["uid"]),
        axis="q_inv_angstrom",
        quantity="powder pattern (counts per pixel)",
        x=found.q_inv_angstrom,
        y=found.intensity,
        sigma=found.sigma,
    )


POWDER = RunKind(
    name="powder pattern",
    is_kind=lambda start: start.get("plan_name") == "diffraction",
    sums=PowderSums,
    reduce=_reduce_powder,
    curve=_powder_curve,
)

KINDS = (POWDER,)
