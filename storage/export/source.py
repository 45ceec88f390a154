"""Content of an export: the curves of a run, or of several combined runs, and their metadata."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from errors import InputError, ReductionError
from reduction.curve_table import Column, CurveTable
from reduction.events import PrimaryEvents
from reduction.image_references import AssetIndex, ImageReference
from reduction.kinds import RunReduction, summed
from storage.image_reading import read_image

if TYPE_CHECKING:
    from reduction.run_kind import RunResults
    from reduction.types import Document, Documents


@dataclass(frozen=True, kw_only=True)
class Export:
    """The tables of one run or of several combined ones; `uids` names all of them.

    `start` is the start document of the first run, `stop` the stop document of the last, empty for a run that has not
    ended. `lines` are its results as text. `i0` (points,) are the incoming photons as the ion chamber counted them
    where the points are those of the tables, None elsewhere. `images` are where the images of the exposures are, in
    their order.
    """

    uids: tuple[str, ...]
    start: Document
    stop: Document
    tables: tuple[CurveTable, ...]
    lines: tuple[str, ...]
    i0: Column | None = None
    images: tuple[ImageReference, ...] = ()

    @property
    def is_spectrum(self) -> bool:
        """Whether the curves are over the energy."""
        return bool(self.tables) and self.tables[0].axis.name == "energy_ev"

    @property
    def has_xrays(self) -> bool:
        """Whether the run was measured with X-rays: it then states their energy, or the edge."""
        return self.is_spectrum or any(key in self.start for key in ("energy_ev", "edge"))

    @property
    def title(self) -> str:
        """Plan, sample and edge in a line."""
        words = (str(self.start.get(key, "")) for key in ("plan_name", "sample", "edge"))
        return " ".join(word for word in words if word)

    @property
    def file_stem(self) -> str:
        """A name for files, without spaces: scan id, plan and edge, and the number of combined runs."""
        words = [f"{int(self.start.get('scan_id') or 0):05d}", str(self.start.get("plan_name", "run"))]
        words += [str(self.start["edge"])] if self.start.get("edge") else []
        words += [f"{len(self.uids)}-runs"] if len(self.uids) > 1 else []
        return re.sub(r"[^\w.-]+", "-", "_".join(words))

    @property
    def start_time(self) -> str:
        """The start of the first run in ISO 8601, UTC."""
        return iso_time(float(self.start["time"]))

    @property
    def end_time(self) -> str:
        """The end of the last run in ISO 8601, UTC; "" for a run that has not ended."""
        return iso_time(float(self.stop["time"])) if "time" in self.stop else ""

    @property
    def start_json(self) -> str:
        """The start document as JSON."""
        return json.dumps(self.start, default=_plain)


def iso_time(time_s: float) -> str:
    """Return a time, s since the Unix epoch, in ISO 8601, UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time_s))


def run_export(documents: Documents) -> Export:
    """Return the export of one stored run; raises ReductionError, with the reason, for a run without curves."""
    reduction = summed(documents, read_image)
    results = reduction.results()
    tables = results.tables()
    if not tables:
        # A kind of run without tables of its own, such as a foil, has its one curve.
        tables = (_curve_table(reduction),)
    return Export(
        uids=(str(documents[0][1]["uid"]),),
        start=_known(documents[0][1]),
        stop=_stop(documents),
        tables=tables,
        lines=tuple(results.table().splitlines()),
        i0=_i0(reduction, tables),
        images=tuple(_images(documents)),
    )


def _known(start: Document) -> Document:
    """Return a start document without quantities that are not known: an imported run must state a value for them."""
    unknown = start.get("imported", {}).get("unknown", ())
    return {key: value for key, value in start.items() if key not in unknown}


def _images(documents: Documents) -> Iterator[ImageReference]:
    """Yield where the image of each good exposure is, in the order of the exposures."""
    index = AssetIndex()
    primary = PrimaryEvents()
    number = 0
    for name, doc in documents:
        for event in primary(name, doc):
            number += 1
            if not event["data"].get("quality") and (found := index.find(event["data"], number)) is not None:
                yield found
        index(name, doc)


def combined_export(runs: Sequence[Documents], results: RunResults) -> Export:
    """Return the export of several runs whose combined `results` are given.

    Raises ReductionError for results without curves.
    """
    tables = results.tables()
    if not tables:
        raise ReductionError(f"The combined runs have no curves. {' '.join(results.remarks)}")
    return Export(
        uids=tuple(str(run[0][1]["uid"]) for run in runs),
        start=_known(runs[0][0][1]),
        stop=_stop(runs[-1]),
        tables=tables,
        lines=tuple(results.table().splitlines()),
    )


def require_spectrum(export: Export, words: str) -> None:
    """Raise InputError unless the curves are over the energy, as the format called `words` needs."""
    if not export.is_spectrum:
        axis = export.tables[0].axis.name if export.tables else "nothing"
        raise InputError(
            f"{words} holds spectra over the energy; {export.title} is over {axis}. Choose nexus, hdf5 or csv."
        )


def _curve_table(reduction: RunReduction) -> CurveTable:
    curve = reduction.curve()
    name, _, scale = curve.quantity.removesuffix(")").partition(" (")
    word = re.sub(r"\W+", "_", name).strip("_")
    unit = curve.axis.rpartition("_")[2]
    units = {"ev": "eV", "ps": "ps", "um": "um", "angstrom": "1/angstrom", "c": "C"}
    axis = Column(name=curve.axis, unit=units.get(unit, ""), values=np.asarray(curve.x))
    column = Column(name=word, unit="", values=np.asarray(curve.y), sigma=curve.sigma)
    return CurveTable(name=reduction.kind.name.replace(" ", "_"), axis=axis, columns=(column,), scale=scale)


def _i0(reduction: RunReduction, tables: tuple[CurveTable, ...]) -> Column | None:
    """Return the counts of the ion chamber per point with the laser on, sorted along the axis; None without."""
    try:
        sums = reduction.screened().sums
        axis = sums.mean_readback(sums.metadata.axis)
        i0 = sums.i0[:, :, 1].sum(axis=0)
    except (AttributeError, IndexError, ReductionError):
        # Sums of another kind of run, or an axis that was never read.
        return None
    # Tables leave out points without flux and sort along the axis, so I0 has to do the same; where their numbers of
    # points still differ, there is no I0 rather than that of other points.
    order = np.argsort(axis, kind="stable")
    known = i0[order][i0[order] > 0]
    same = all(table.axis.values.size == known.size for table in tables)
    return Column(name="i0", unit="counts", values=known) if same else None


def _stop(documents: Documents) -> Mapping[str, Any]:
    name, doc = documents[-1]
    return doc if name == "stop" else {}


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)
