"""The latest image of the area detector and its powder pattern."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from errors import ReductionError
from gui.live.request import Request
from gui.live.run_state import RunState
from gui.types import Rectangle
from reduction.image_references import ImageReference
from reduction.powder.diffraction import DetectorGeometry, Pattern, integrate
from reduction.powder.series import hot_pixels
from storage.image_reading import read_image


@dataclass(frozen=True, kw_only=True)
class IntegratedImage:
    """An image (rows, columns) in counts, its file, and its pattern; `pattern` is None for the reason `problem`."""

    image: NDArray[np.float64] = field(repr=False)
    reference: ImageReference
    pattern: Pattern | None = field(repr=False)
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class DiffractionRequest(Request[IntegratedImage]):
    """The latest image and its integral over the azimuth, inside `region` and outside the rectangles `masked`."""

    slow: ClassVar[bool] = True

    geometry: DetectorGeometry = field(default_factory=DetectorGeometry)
    masked: tuple[Rectangle, ...] = ()
    region: Rectangle | None = None
    points: int = 400

    def compute(self, run: RunState) -> IntegratedImage:
        """Return image and pattern, without hot pixels. Raises ReductionError without a readable image."""
        if run.image is None:
            raise ReductionError("This run has no images yet. Wait for the first, or start the plan Diffraction.")
        image = read_image(run.image)
        try:
            # Hot pixels are found in the first image of the file, and stay the same for all of its images: a pixel that
            # is masked in one image and not in the next would make lines in the difference of their patterns.
            mask = self._mask(image.shape) | _hot_pixels_of(replace(run.image, index=0, events=0))
            return IntegratedImage(
                image=image, reference=run.image, pattern=integrate(image, self.geometry, mask=mask, points=self.points)
            )
        except ReductionError as error:
            return IntegratedImage(image=image, reference=run.image, pattern=None, problem=str(error))

    def _mask(self, shape: tuple[int, ...]) -> NDArray[np.bool_]:
        mask = np.zeros(shape, dtype=bool)
        if self.region is not None:
            mask[:] = True
            mask[_slices(self.region)] = False
        for rectangle in self.masked:
            mask[_slices(rectangle)] = True
        return mask


@lru_cache(maxsize=4)
def _hot_pixels_of(first: ImageReference) -> NDArray[np.bool_]:
    """Return the mask of hot pixels in the first image of a file, for all its images: finding them takes long."""
    return hot_pixels(read_image(first))


def _slices(rectangle: Rectangle) -> tuple[slice, slice]:
    row, column, rows, columns = rectangle
    return slice(row, row + rows), slice(column, column + columns)
