"""The registry of run kinds: which reduction belongs to which run, for prompt, report, figures, browser and window.

A technique is a folder of this package with a module `kinds`, whose `KINDS` are registered; other packages register
theirs by entry points. A run has the first kind whose `is_kind` accepts its start document, so a technique lists
special kinds, such as a foil scan, before general ones, such as an energy scan.
"""

from __future__ import annotations

import logging
import pkgutil
from contextlib import suppress
from copy import copy
from dataclasses import replace
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from errors import InputError, ReductionError
from reduction.plug_ins import plug_in_kinds
from reduction.run_kind import (
    CombineChoice,
    CurveChoice,
    MeasuredDecay,
    ReadImage,
    RecordsPower,
    RunChecks,
    RunCurve,
    RunKind,
    RunResults,
    RunSums,
    Screened,
    cannot_read_image,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reduction.types import Document, Documents

logger = logging.getLogger("trxas.plugins")


@cache
def run_kinds() -> tuple[RunKind, ...]:
    """Return all kinds of all techniques in the order in which they are tried; the first call takes seconds.

    Those of plug-ins come first, because their runs may look like energy scans, too.
    A plug-in with a defect raises nothing here: it is logged and left out.
    """
    # Imported when the first run is reduced, as fits and geometry take time to import.
    modules = pkgutil.iter_modules([str(Path(__file__).parent)], "reduction.")
    own = [kind for module in modules if module.ispkg for kind in import_module(f"{module.name}.kinds").KINDS]
    return (*plug_in_kinds([*(kind.name for kind in own), OTHER.name]), *own)


def kind_of(start: Document) -> RunKind:
    """Return the kind of the run with this start document; a run of no technique has the kind "other"."""
    return next((kind for kind in run_kinds() if kind.is_kind(start)), OTHER)


def begin_sums(start: Document, read_image: ReadImage) -> tuple[RunKind, RunSums]:
    """Return the kind of the run with this start document, and empty sums for it.

    A kind whose sums cannot be made, by a defect of its plug-in, is logged and replaced by the kind "other".
    """
    kind = kind_of(start)
    try:
        return kind, kind.sums(read_image)
    except ReductionError as error:
        logger.error("%s", error)  # the message is for users
        return OTHER, OTHER.sums(read_image)


class RunReduction:
    """Reduction of one run: call it with every `(name, document)`, from the start document on.

    `kind` is the kind of the run, `sums` are its sums. Results can be asked for at any moment of the run, and leave out
    outliers, which they list, unless `keep_all` is True. Raises ReductionError for an invalid document; those before it
    still count.
    """

    def __init__(self, start: Document, read_image: ReadImage = cannot_read_image, *, keep_all: bool = False) -> None:
        self.kind, self.sums = begin_sums(start, read_image)
        self.keep_all = keep_all

    def __call__(self, name: str, doc: Document) -> None:
        """Take one document of the run."""
        self.kind.add(self.sums, name, doc)

    def refitted(self, kinetics: str) -> RunResults:
        """Return the results of the run with another kinetic model, or with the model that a criterion chooses.

        Raises InputError for an unknown model, and for a run that has no kinetics.
        """
        if self.kind.refit is None:
            raise InputError(f"A {self.kind.name} has no kinetics. Give `kinetics` for a pump-probe delay scan only.")
        screened = self.screened()
        return _with_cuts(self.kind.refit(screened.sums, kinetics), screened)

    def screened(self) -> Screened:
        """Return the sums without outliers; raises ReductionError if nothing has been measured."""
        if self.keep_all or self.kind.screen is None:
            return Screened(sums=self.sums)
        return self.kind.screen(self.sums)

    def forget_power(self) -> None:
        """Reduce as if the power of the laser had not been recorded; raises ReductionError before a start document."""
        if isinstance(self.sums, RecordsPower):
            self.sums = self.sums.without_power()

    def seen_by(self, detector: str) -> RunReduction:
        """Return the reduction of the run as the listed detector of that name saw it.

        Raises ReductionError for a name that the run does not list, and for a kind of run with one detector.
        """
        if self.kind.seen_by is None:
            raise ReductionError(f"A {self.kind.name} has no choice of detectors. Leave `detector` out.")
        result = copy(self)
        result.sums = self.kind.seen_by(self.sums, detector)
        return result

    def results(self, decay: MeasuredDecay | None = None) -> RunResults:
        """Return the results of the run so far; raises nothing: a remark gives the reason why there are none.

        `decay` is that of the same sample, measured by another run, for kinds whose results it corrects.
        """
        try:
            screened = self.screened()
            found = _with_cuts(self.kind.reduce(screened.sums), screened)
            return _corrected(self.kind, found, decay)
        except (ReductionError, InputError) as error:
            return _nothing(self.kind, error)

    def decay(self, start: Document) -> MeasuredDecay:
        """Return the decay that the run with this start document has measured; raises ReductionError if it has none."""
        if self.kind.decay is None:
            raise ReductionError(f"A {self.kind.name} measures no decay. Use a pump-probe delay scan.")
        return MeasuredDecay(uid=str(start["uid"]), start=start, fit=self.kind.decay(self.screened().sums))

    def checks(self) -> RunChecks:
        """Return the photons and null tests that the run has so far; raises nothing."""
        try:
            return RunChecks() if self.kind.checks is None else self.kind.checks(self.screened().sums)
        except (ReductionError, InputError):
            return RunChecks()

    def curve(self, choice: CurveChoice | None = None) -> RunCurve:
        """Return the run as one curve; raises ReductionError, with the reason, if there is none (yet)."""
        choice = choice or CurveChoice()
        # A kind without a choice of detectors, such as a foil scan in an overlay of spectra, has its one curve.
        seen = self.seen_by(choice.detector) if choice.detector and self.kind.seen_by is not None else self
        return self.kind.curve(seen.screened().sums, choice)

    def live_curve(self, choice: CurveChoice) -> RunCurve:
        """Return the curve of a run that is measured: as `curve` does, or before that its first points.

        Raises the ReductionError of `curve` if the run has neither (yet).
        """
        try:
            return self.curve(choice)
        except ReductionError:
            if self.kind.first_curve is not None:
                with suppress(ReductionError):
                    return self.kind.first_curve(self.screened().sums, choice)
            raise


def summed(documents: Documents, read_image: ReadImage = cannot_read_image, *, keep_all: bool = False) -> RunReduction:
    """Return the reduction of a stored run, with all of its documents summed.

    Raises ReductionError if the documents do not begin with a start document, or for an invalid one.
    """
    if not documents or documents[0][0] != "start":
        raise ReductionError("The run has no start document, so it cannot be reduced. Load the whole run.")
    reduction = RunReduction(documents[0][1], read_image, keep_all=keep_all)
    for name, doc in documents:
        reduction(name, doc)
    return reduction


def reduce_run(
    documents: Documents,
    read_image: ReadImage = cannot_read_image,
    kinetics: str | None = None,
    detector: str | None = None,
    decay: MeasuredDecay | None = None,
    *,
    keep_all: bool = False,
    correct_power: bool = True,
) -> RunResults:
    """Return the results of a stored run; remarks give the reasons if something cannot be reduced.

    Outliers are left out and listed in `cuts`, unless `keep_all` is True. Transients are corrected by the measured
    power of the laser, unless `correct_power` is False.

    `decay` is that of the same sample, which corrects sizes of transients; see `decays_for`.
    `kinetics` names the model of a delay scan's fit, "1" to "3+offset", or the criterion that chooses it, "AICc" or
    "BIC"; by default two lifetimes and an offset. `detector` names one of the listed detectors with gates; by default
    spectra have all of them, and everything else the first that counts, or the first gated one if none does. Raises
    InputError for any other model, and for runs without kinetics.
    """
    try:
        reduction = summed(documents, read_image, keep_all=keep_all)
        if not correct_power:
            reduction.forget_power()
        reduction = reduction if detector is None else reduction.seen_by(detector)
    except (ReductionError, InputError) as error:
        kind = kind_of(documents[0][1]) if documents and documents[0][0] == "start" else OTHER
        return _nothing(kind, error)
    return reduction.results(decay) if kinetics is None else reduction.refitted(kinetics)


def combine_runs(
    runs: Sequence[Documents],
    read_image: ReadImage = cannot_read_image,
    choice: CombineChoice | None = None,
    detector: str | None = None,
    decay: MeasuredDecay | None = None,
    *,
    keep_all: bool = False,
) -> RunResults:
    """Return the results of several stored runs together, on one grid and with the covariance of their points.

    `decay`, `detector` and `keep_all` as for `reduce_run`. Raises InputError for runs that do not measure the same, or
    whose kind cannot be combined, and ReductionError if one of them cannot be reduced.
    """
    reductions = [summed(documents, read_image, keep_all=keep_all) for documents in runs]
    kinds = list(dict.fromkeys(reduction.kind.name for reduction in reductions))
    if len(kinds) != 1:
        raise InputError(f"Runs of one kind can be combined, these are of {len(kinds)}: {', '.join(kinds) or 'none'}.")
    kind = reductions[0].kind
    if kind.combine is None:
        raise InputError(f"A {kind.name} cannot be combined with others. Combine pump-probe spectra or traces.")
    parts = [(one if detector is None else one.seen_by(detector)).screened() for one in reductions]
    found = kind.combine([part.sums for part in parts], choice or CombineChoice())
    # A cut names its place within a run, so that of several runs also needs the run.
    cuts = [
        replace(cut, place=f"run {str(documents[0][1]['uid'])[:8]}, {cut.place}")
        for part, documents in zip(parts, runs, strict=True)
        for cut in part.cuts
    ]
    remarks = tuple(remark for part in parts for remark in part.remarks)
    found = _with_cuts(found, Screened(sums=None, cuts=tuple(cuts), remarks=remarks))
    return _corrected(kind, found, decay)


def decays_for(start: Document, others: Iterable[Document]) -> list[Document]:
    """Return those start documents among `others` whose runs measure a decay that corrects this one, the best first.

    Empty if no decay corrects the results of this kind of run.
    """
    use = kind_of(start).decay_use
    if use is None:
        return []
    found = [
        (distance, other)
        for other in others
        if kind_of(other).decay is not None and (distance := use.distance(start, other)) is not None
    ]
    return [other for _, other in sorted(found, key=lambda one: one[0])]


def decay_of(documents: Documents) -> MeasuredDecay:
    """Return the decay that a stored run has measured; raises ReductionError if it has none."""
    return summed(documents).decay(documents[0][1])


def curve_of(
    documents: Documents, choice: CurveChoice | None = None, read_image: ReadImage = cannot_read_image
) -> RunCurve:
    """Return a stored run as one curve, also while it is still being measured.

    Raises ReductionError, with the reason, if there is no curve (yet).
    """
    return summed(documents, read_image).curve(choice)


def _corrected(kind: RunKind, results: RunResults, decay: MeasuredDecay | None) -> RunResults:
    return results if kind.decay_use is None else kind.decay_use.correct(results, decay)


def _with_cuts(results: RunResults, screened: Screened) -> RunResults:
    if not screened.cuts and not screened.remarks:
        return results
    return replace(results, cuts=screened.cuts, remarks=(*results.remarks, *screened.remarks))


def _nothing(kind: RunKind, error: Exception) -> RunResults:
    return RunResults(kind=kind.name, remarks=(f"Cannot be reduced: {error}",))


class _StartOnly:
    """Sums of a run that no technique reduces: its start document."""

    def __init__(self) -> None:
        self.start: Document = {}

    def __call__(self, name: str, doc: Document) -> None:
        """Take one document."""
        if name == "start":
            self.start = doc

    def refuse(self) -> ReductionError:
        """Return the error with the reason why nothing can be reduced."""
        plan = str(self.start.get("plan_name", "without a plan")).replace("_", " ")
        return ReductionError(
            f"No reduction is known for this run ({plan}). What it measured is in the table `db[uid].table()`."
        )


def _refuse_results(sums: _StartOnly) -> RunResults:
    raise sums.refuse()


def _refuse_curve(sums: _StartOnly, _: CurveChoice) -> RunCurve:
    raise sums.refuse()


OTHER = RunKind(
    name="other",
    is_kind=lambda _: True,
    sums=lambda _: _StartOnly(),
    reduce=_refuse_results,
    curve=_refuse_curve,
)
"""Kind of the runs that belong to no technique, such as those of stock plans."""
