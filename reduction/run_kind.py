"""Kinds of runs: how to recognise one, how to sum its documents, and how to reduce the sums."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, runtime_checkable

from errors import InputError, ReductionError
from reduction.curve_table import data_frame_of, dataset_of

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from reduction.curve_table import CurveTable
    from reduction.image_references import ImageReference
    from reduction.types import Document, FloatArray, Mode, PairReference, Reference
    from reduction.values import Value

CurveKind: TypeAlias = Literal["transient", "on", "off"]
"""Name of a curve of a pump-probe run."""

ChoicePart: TypeAlias = Literal["curve", "mode", "detector", "probe", "reference", "all gates"]
"""A field of `CurveChoice`; "all gates" is a value of its reference that only some kinds follow."""

ReadImage: TypeAlias = "Callable[[ImageReference], FloatArray]"
"""Reads the image (rows, columns) that an event refers to; raises ReductionError if it cannot be read."""


class RunSums(Protocol):
    """Running sums of one run: call it with `(name, document)`; raises ReductionError for invalid documents."""

    def __call__(self, name: str, doc: Document) -> None:
        """Take one document of the bluesky event model."""


@runtime_checkable
class RecordsPower(Protocol):
    """Sums of a run by whose laser power transients are corrected."""

    def __call__(self, name: str, doc: Document) -> None:
        """Take one document of the bluesky event model."""

    def without_power(self) -> RecordsPower:
        """Return the same sums as if the power had not been recorded."""


def pair_reference(reference: Reference) -> PairReference:
    """Return a reference for a curve of two gates."""
    return "unpumped probe" if reference == "all gates" else reference


@dataclass(frozen=True, kw_only=True)
class CurveChoice:
    """Choice of one curve of a pump-probe run, by curve, mode, probe and reference; other runs have one curve.

    `detector` names one of the listed detectors, in whose `mode` the curve then is; empty for those of the exposure.
    By the reference "all gates", spectra use every gate where that makes their errors smaller; all other curves have
    two gates, the `pair_reference`. `was_by_two`: such a spectrum was last shown by two gates while its run is
    measured, so that it changes to all of them in a clear case only.
    """

    curve: CurveKind = "transient"
    mode: Mode = "spc"
    probe: int = 0
    reference: Reference = "all gates"
    detector: str = ""
    was_by_two: bool = False

    @property
    def pair_reference(self) -> PairReference:
        """The reference of a curve of two gates."""
        return pair_reference(self.reference)


@dataclass(frozen=True, kw_only=True)
class RunCurve:
    """A curve of a run: `axis` is the scanned event field, or "q_inv_angstrom"; `x`, `y`, `sigma` (points,).

    `quantity` names `y` with its unit; curves of different quantities do not belong in one plot. `sigma` is None if
    the reduction gives no errors. `two_gates_reason`: why a spectrum that should use all gates uses two; else empty.
    """

    uid: str
    axis: str
    quantity: str
    x: FloatArray
    y: FloatArray
    sigma: FloatArray | None
    two_gates_reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Cut:
    """Exposures of one point that a reduction leaves out; the stored run holds them.

    `exposure_ids`: their numbers, as in the events; `place`: pass, position on the scanned axis and laser shutter, as
    text; `value`: what was measured there, in the `unit` of `quantity`; `reason`: why it is left out.
    """

    exposure_ids: tuple[int, ...]
    place: str
    quantity: str
    value: float
    unit: str
    reason: str

    @property
    def text(self) -> str:
        """The cut as one line: exposure, place, value and reason."""
        numbers = ", ".join(map(str, self.exposure_ids)) or "without number"
        word = "exposure" if len(self.exposure_ids) == 1 else "exposures"
        return f"{word} {numbers} ({self.place}): {self.quantity} = {self.value:.4g} {self.unit}; {self.reason}"


@dataclass(frozen=True, kw_only=True)
class Screened:
    """Sums of a run without the exposures of `cuts`; `remarks` are sentences on what looks wrong but was left in."""

    sums: Any
    cuts: tuple[Cut, ...] = ()
    remarks: tuple[str, ...] = ()


MOST_CUTS_SHOWN = 20
"""Largest number of cuts that a table lists one by one; `cuts` of the results holds all."""


@dataclass(frozen=True, kw_only=True)
class Headline:
    """The number of a run for a table of runs: `value` with its error in `unit`, as `quantity` names it."""

    quantity: str
    value: Value
    unit: str


@dataclass(frozen=True, kw_only=True)
class ChiSquare:
    """Chi-square of a null test of a run; a `p_value` below 0.001 means that something is there that should not be."""

    name: str
    chi_square: float
    degrees_of_freedom: int
    p_value: float


@dataclass(frozen=True, kw_only=True)
class RunChecks:
    """Checks of a run: `photons` counted by all gates, None if none count.

    `null_tests`: those that the run allows, none without the gates or exposures that they need.
    """

    photons: float | None = None
    null_tests: tuple[ChiSquare, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RunResults:
    """Results of a run; every kind has a subclass with its numbers.

    `kind` is the name of the run's kind. `remarks` are sentences on what could not be reduced, and why; a run without
    results has only remarks. `cuts` lists the exposures that the results leave out.
    """

    kind: str
    remarks: tuple[str, ...] = ()
    cuts: tuple[Cut, ...] = ()

    def __init_subclass__(cls) -> None:
        # IPython takes the first class that has either `_repr_pretty_` or a `__repr__` of its own. A dataclass has one,
        # so the method of this class alone would never be used.
        super().__init_subclass__()
        if "_repr_pretty_" not in vars(cls):
            cls._repr_pretty_ = RunResults._repr_pretty_  # type: ignore[method-assign]  # copied, see above

    def lines(self) -> list[str]:
        """Return the numbers as lines of text, each with its error and unit; empty without results."""
        return []

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:  # noqa: FBT001  # IPython's signature
        """Show the table at the prompt of IPython, not thousands of numbers."""
        printer.text(f"{self.kind}\n{self.table()}")

    def tables(self) -> tuple[CurveTable, ...]:
        """Return the curves of the results as columns with units and errors, a table per detector; none without any."""
        return ()

    def to_xarray(self) -> xr.Dataset:
        """Return the curves as an xarray Dataset (detector, axis), units in its attributes.

        Raises ReductionError for results without curves.
        """
        return dataset_of(self.tables())

    def to_dataframe(self) -> pd.DataFrame:
        """Return the curves as a pandas DataFrame, a row per detector and point, units in `attrs["units"]`.

        Raises ReductionError for results without curves.
        """
        return data_frame_of(self.tables())

    def headline(self) -> Headline | None:
        """Return the one number that a table of runs shows, such as the size of a transient; None without one."""
        return None

    def table(self) -> str:
        """Return the numbers, with errors and units, the cuts, and the remarks as text, one per line."""
        return "\n".join([*self.lines(), *cut_lines(self.cuts), *self.remarks])


def cut_lines(cuts: Sequence[Cut]) -> list[str]:
    """Return a line per cut, at most `MOST_CUTS_SHOWN` of them, below the number of points; empty without cuts."""
    if not cuts:
        return []
    lines = [f"{'left out':<22} {len(cuts)} points; keep_all=True keeps them"]
    lines += [f"  {one.text}" for one in cuts[:MOST_CUTS_SHOWN]]
    more = len(cuts) - MOST_CUTS_SHOWN
    return [*lines, f"  and {more} more, in `cuts` of the results"] if more > 0 else lines


@dataclass(frozen=True, kw_only=True)
class CombineChoice:
    """Choices for combining runs: on the given `grid`, in the unit of the scanned axis, or one that is chosen.

    `force` allows runs of different samples, fluences and calibrations; `kinetics` is the model of a fit to traces, or
    the criterion that chooses it, by name; None for the usual one.
    """

    grid: tuple[float, ...] | None = None
    force: bool = False
    kinetics: str | None = None


@dataclass(frozen=True, kw_only=True)
class MeasuredDecay:
    """The decay of a sample after the pump, measured by one run; it corrects the results of other runs.

    `start` is the start document of that run, `fit` what its technique fitted.
    """

    uid: str
    start: Document
    fit: Any


@dataclass(frozen=True, kw_only=True)
class DecayUse:
    """Correction of one kind of results by the decay that another run has measured.

    `distance` compares the start document of a run with that of one that measures a decay: the smallest tuple fits
    best, and None is unsuitable. `correct` returns the results with a decay, or with a remark if there is none.
    """

    distance: Callable[[Document, Document], tuple[float, ...] | None]
    correct: Callable[[Any, MeasuredDecay | None], RunResults]


@dataclass(frozen=True, kw_only=True)
class RunKind:
    """One kind of run.

    `is_kind` decides by the start document. `sums` returns empty sums for one run; it gets the function that reads
    images. `reduce` and `curve` get such sums, complete or not, and raise ReductionError, with the reason, if there is
    nothing to reduce (yet). `refit` reduces with the kinetic model or the criterion that a text names, and raises
    InputError for any other name; None for runs without kinetics. `seen_by` returns the sums as one of the listed
    detectors saw the run, and raises ReductionError for any other name; None for kinds with one detector.
    `combine` returns the results of the sums of several runs together; None for kinds that cannot be combined.
    `decay` returns the fitted decay of sums that measure
    one, or raises ReductionError; `decay_use` is how results are corrected by such a decay. Both are None elsewhere.

    `first_curve` is a curve of sums of which `curve` cannot make one yet, as before a spectrum can be normalised, for
    views of a run that is measured; it raises ReductionError as well. None for kinds without one.

    `choices` are the fields of `CurveChoice` that its `curve` follows: the window offers no others.

    `screen` returns the sums without outliers, and what was cut; None for kinds that use every good exposure.
    `checks` returns photons and null tests of sums; None for kinds that have neither.

    `figure` draws results as a matplotlib Figure; None leaves that to trxas, which draws the curve of a kind that it
    does not know. `exposure_text` returns the text about an exposure's data in its line at the prompt, None for no
    line. `shown` are keys of the start document that a report lists in addition to the usual ones. `plug_in` names the
    plug-in that brought the kind, empty for those of trxas.
    """

    name: str
    is_kind: Callable[[Document], bool]
    sums: Callable[[ReadImage], RunSums]
    reduce: Callable[[Any], RunResults]
    curve: Callable[[Any, CurveChoice], RunCurve]
    first_curve: Callable[[Any, CurveChoice], RunCurve] | None = None
    refit: Callable[[Any, str], RunResults] | None = None
    seen_by: Callable[[Any, str], Any] | None = None
    combine: Callable[[Sequence[Any], CombineChoice], RunResults] | None = None
    decay: Callable[[Any], Any] | None = None
    decay_use: DecayUse | None = None
    choices: frozenset[ChoicePart] = frozenset()
    screen: Callable[[Any], Screened] | None = None
    checks: Callable[[Any], RunChecks] | None = None
    figure: Callable[[Any], Any] | None = None
    exposure_text: Callable[[Document], str] | None = None
    shown: tuple[str, ...] = ()
    plug_in: str = ""

    def add(self, sums: RunSums, name: str, doc: Document) -> None:
        """Add one document to the sums of a run of this kind.

        Raises ReductionError for an invalid one, and any error that the sums of a plug-in raise.
        """
        try:
            sums(name, doc)
        except (ReductionError, InputError):
            raise
        except Exception as error:
            # A defect of trxas keeps its traceback; one of another package must not end a session or a window.
            if not self.plug_in:
                raise
            raise plug_in_failure(self.plug_in, error) from error


def plug_in_failure(plug_in: str, error: Exception) -> ReductionError:
    """Return the ReductionError that replaces any other error raised by the code of a plug-in."""
    return ReductionError(
        f"The plug-in {plug_in} failed: {type(error).__name__}: {error}. Its authors have to correct it; the run is "
        "stored."
    )


def cannot_read_image(reference: ImageReference) -> FloatArray:
    """Raise ReductionError: the reader of images where they cannot be read."""
    raise ReductionError(f"The image file {reference.path} cannot be read here. Reduce the run from its store.")
