"""Sums of one run: the histogram of every good exposure with its place and settings."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from errors import ReductionError
from reduction.events import PrimaryEvents
from reduction.tplm.metadata import Dose, MapMetadata, dose_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reduction.types import Document, FloatArray

SETTINGS = ("laser_power_nw", "repetition_rate_mhz", "nd_od", "temperature_k")
"""Settings that are averaged over a run."""

COLUMNS = ("x_um", "y_um", "piezo_z_um", "sync_pulses", "exposure_s", "highest_channel", *SETTINGS)
"""Scalars of an exposure that the reduction uses."""


@dataclass(frozen=True, kw_only=True)
class Exposures:
    """The good exposures of a run in the order in which they were measured.

    `counts` (exposures, channels); `columns` holds the scalars of `COLUMNS` by name, (exposures,) each; NaN where the
    run does not record one.
    """

    counts: NDArray[np.uint32]
    columns: dict[str, FloatArray]

    def __len__(self) -> int:
        """Return the number of exposures."""
        return len(self.counts)

    def __getitem__(self, name: str) -> FloatArray:
        """Return a column, (exposures,)."""
        return self.columns[name]

    def mean(self, name: str) -> float:
        """Return the mean of a column, NaN where it was not recorded."""
        return float(self.columns[name].mean())


class MapSums:
    """Exposures of one run of photoluminescence microscopy: call it with `(name, document)`.

    Exposures whose quality is not good are left out; `rejected` counts them.
    """

    def __init__(self) -> None:
        self.start: Document = {}
        self.rejected = 0
        self._counts: list[NDArray[np.uint32]] = []
        self._rows: list[tuple[float, ...]] = []
        self._events = PrimaryEvents()
        self._metadata: MapMetadata | None = None

    def __call__(self, name: str, doc: Document) -> None:
        """Take one document; raises ReductionError for a start document that lacks settings, or a damaged event."""
        if name == "start":
            self.start = doc
            self._metadata = MapMetadata.from_start(doc)
        for event in self._events(name, doc):
            self._take(event["data"])

    @property
    def metadata(self) -> MapMetadata:
        """Settings of the run; raises ReductionError before the start document."""
        if self._metadata is None:
            raise ReductionError("The run has no start document, so it cannot be reduced. Load the whole run.")
        return self._metadata

    @property
    def number(self) -> int:
        """Number of good exposures so far."""
        return len(self._rows)

    def exposures(self) -> Exposures:
        """Return the good exposures so far; raises ReductionError before the first."""
        if not self._rows:
            raise ReductionError("The run has no good exposure yet. Wait for the first one.")
        table = np.array(self._rows, dtype=float)
        columns: dict[str, FloatArray] = {name: table[:, place] for place, name in enumerate(COLUMNS)}
        return Exposures(counts=np.array(self._counts), columns=columns)

    def dose(self) -> Dose:
        """Return the dose of a pulse at the run's mean power and rate; raises ReductionError before any exposure."""
        seen = self.exposures()
        return dose_of(self.metadata.excitation, seen.mean("laser_power_nw"), seen.mean("repetition_rate_mhz"))

    def snapshot(self) -> MapSums:
        """Return a copy that does not grow; histograms are shared, because they never change."""
        # The window reduces in another thread while this one still takes documents.
        result = copy(self)
        result._counts = list(self._counts)
        result._rows = list(self._rows)
        return result

    def _take(self, data: Document) -> None:
        # An exposure that failed a check is stored with the reason, and repeated: its place comes again.
        if data.get("quality"):
            self.rejected += 1
            return
        try:
            counts = np.asarray(data["tcspc_counts"], dtype=np.uint32).ravel()
            row = tuple(float(data.get(name, np.nan)) for name in COLUMNS)
        except (KeyError, TypeError, ValueError) as error:
            raise ReductionError(f"An exposure cannot be read: {error!r}. Its run needs tcspc_counts.") from error
        if counts.size != self.metadata.kept_channels:
            raise ReductionError(
                f"A histogram has {counts.size} channels, the run states {self.metadata.kept_channels}. Correct "
                "kept_channels in the start document."
            )
        self._counts.append(counts)
        self._rows.append(row)
