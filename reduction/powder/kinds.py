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
    """The good images of one run, by reference: call it with `(name, document)`; they are read when it is reduced."""

    def __init__(self, read_image: ReadImage) -> None:
        self.start: Document = {}
        self.images: list[ImageReference] = []
        self.temperatures_c: list[float] = []
        self._read_image = read_image
        self._events = PrimaryEvents()
        self._assets = AssetIndex()

    def __call__(self, name: str, doc: Document) -> None:
        """Take one document of the bluesky event model."""
        if name == "start":
            self.start = doc
        self._assets(name, doc)
        for event in self._events(name, doc):
            self._take(event["data"])

    def pattern(self) -> Pattern:
        """Return the powder pattern of all images together, with the geometry in the start document.

        Counts per pixel and image. Raises ReductionError without a good image, or if one cannot be read.
        """
        # pyFAI takes a second to import, which no other kind of run should wait for.
        from reduction.powder.diffraction import integrate
        from reduction.powder.series import geometry_of, hot_pixels

        if not self.images:
            raise ReductionError("The run has no good image (yet).")
        images = [self._read_image(reference) for reference in self.images]
        # The sum, as the errors are those of counts.
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
        """Return the number of images, their temperature and the strongest line."""
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
