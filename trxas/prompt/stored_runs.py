"""Stored runs at the prompt: list, show, reduce, combine, compare kinetic models."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from errors import InputError
from reduction.run_kind import CombineChoice, RunResults
from reduction.slices import Slices, slices_of
from reduction.xas.kinetics.results import KineticsResults
from storage import RunKey, RunSummary, Store, list_runs, load_dataset
from storage.calibrated_documents import CalibratedDocuments
from trxas.results.measured_decays import MeasuredDecays
from trxas.results.run_report import run_report
from trxas.results.run_results import combine_stored_runs, reduce_stored_run
from trxas.results.run_tables import runs_table
from trxas.terminal.tables import print_table

if TYPE_CHECKING:
    from reduction.xas.kinetics.comparison import ModelComparison
    from trxas.results.run_results import FindDecay


def stored_run_functions(
    store: Store, decays: FindDecay | None = None
) -> tuple[Callable[[int], None], Callable[..., None], Callable[..., RunResults]]:
    """Return the functions `runs`, `show` and `reduce` for one store; `decays` by default looks into that store.

    They raise StorageError for an unknown run, or a key that fits several.
    """
    found = MeasuredDecays(lambda: store) if decays is None else decays
    calibrated = CalibratedDocuments(lambda: store)

    def runs(limit: int = 20) -> None:
        """Print the latest runs, newest first."""
        summaries: list[RunSummary] = list_runs(store, limit=limit)
        print_table(runs_table(summaries))

    def show(
        key: RunKey = -1, kinetics: str | None = None, detector: str | None = None, *, keep_all: bool = False
    ) -> None:
        """Print one run: settings, exposures and results.

        `key`: uid, scan id, or -1 for the latest. `kinetics`, `detector` and `keep_all` as for `reduce`.
        """
        documents = calibrated(load_dataset(store, key))
        print(run_report(documents, kinetics, detector, found, keep_all=keep_all, foils=calibrated.foils))

    def reduce(
        key: RunKey = -1,
        kinetics: str | None = None,
        detector: str | None = None,
        *,
        keep_all: bool = False,
        correct_power: bool = True,
    ) -> RunResults:
        """Return the results of one run as arrays and fits; sizes are corrected by the decay of the same sample.

        `key`: uid, scan id, or -1 for the latest. `kinetics`: model of a delay scan's fit, lifetimes with or without an
        offset: "1", "1+offset", "2", "2+offset" (the default), "3", "3+offset"; or "BIC" or "AICc", which choose it.
        `detector`: name of a listed detector with gates; by default spectra have all of them, and traces, kinetics and
        maps the first that counts, or the first gated one if none does. Single outliers between passes, and points at
        glitches of the monochromator, are left out and listed in `cuts`; `keep_all=True` keeps them. Transients are
        those of the nominal fluence, in proportion to the measured power of the laser, unless `correct_power=False`.
        Spectra are at the energies that the foil scans of their series give, and gates as calibrated before and after.
        Raises InputError for any other model, and for runs without kinetics.
        """
        documents = calibrated(load_dataset(store, key))
        return reduce_stored_run(documents, kinetics, detector, found, keep_all=keep_all, correct_power=correct_power)

    return runs, show, reduce


def slices_function(store: Store) -> Callable[[RunKey], Slices]:
    """Return the function `slices` for one store; it raises StorageError for an unknown run."""

    def slices(key: RunKey = -1) -> Slices:
        """Return the slices of 1 to 100 ms in which a run was counted: `.rebinned(20)`, `.overdispersion()`.

        `key` as for `reduce`. Raises ReductionError for a run that counted each exposure as a whole.
        """
        return slices_of(load_dataset(store, key))

    return slices


def combining_function(store: Store, decays: FindDecay | None = None) -> Callable[..., RunResults]:
    """Return the function `combine` for one store; it raises StorageError for an unknown run."""
    found = MeasuredDecays(lambda: store) if decays is None else decays
    calibrated = CalibratedDocuments(lambda: store)

    def combine(
        keys: Sequence[RunKey],
        grid: Sequence[float] | None = None,
        *,
        kinetics: str | None = None,
        detector: str | None = None,
        keep_all: bool = False,
        force: bool = False,
    ) -> RunResults:
        """Return energy scans or delay scans together, also of different grids, with the covariance of their points.

        `keys`: as for `reduce`. `grid`: energies (eV) or delays (ps) of the result; by default the points of the run
        with the most, and of others where they are finer or go farther. `kinetics`, `detector` and `keep_all`: as for
        `reduce`.
        Raises InputError for runs that do not measure the same; `force` allows another sample, fluence, fixed delay or
        energy, or calibration.
        """
        choice = CombineChoice(grid=None if grid is None else tuple(map(float, grid)), force=force, kinetics=kinetics)
        return combine_stored_runs(
            [calibrated(load_dataset(store, key)) for key in keys], choice, detector, found, keep_all=keep_all
        )

    return combine


def comparing_function(store: Store) -> Callable[..., ModelComparison]:
    """Return the function `compare_models` for one store; it raises StorageError for an unknown run."""

    def compare_models(key: RunKey = -1, detector: str | None = None) -> ModelComparison:
        """Fit all kinetic models to a delay scan: 1 to 3 lifetimes, rise, constant or decaying offset.

        The table has both information criteria and the F test against simpler models. `key` and `detector` as for
        `reduce`. Raises InputError for a run without kinetics.
        """
        # The model of this one fit is refused by runs that have no kinetics; it is the quickest one.
        results = reduce_stored_run(load_dataset(store, key), "1", detector)
        if not isinstance(results, KineticsResults):
            reasons = " ".join(results.remarks)
            raise InputError(f"Run {key} ({results.kind}) has no trace. {reasons or 'Choose a pump-probe delay scan.'}")
        return results.compare_models()

    return compare_models
