"""The campaign's runs by name, read back from the store when a reduction needs them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from errors import ReductionError, StorageError
from reduction.accumulator import RunAccumulator
from reduction.kinds import RunReduction, summed
from reduction.run_kind import RunResults
from reduction.xas.results import FoilResults, StaticResults
from reduction.xas.static_xas import StaticSpectrum
from storage import Store, load_dataset
from trxas.validation.types import Documents


class StoredRuns:
    """Runs by the names that their sections gave them; `uids` in the order of measurement.

    Each run is read and summed once if the same `cache` is used for several sections.
    """

    def __init__(self, store: Store, uids: Mapping[str, str], cache: dict[tuple[str, str], Any] | None = None) -> None:
        self.store = store
        self._uids = dict(uids)
        self._cache: dict[tuple[str, str], Any] = {} if cache is None else cache

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in the order of measurement."""
        return tuple(self._uids)

    def uids(self, *names: str) -> tuple[str, ...]:
        """Return the uids of these runs, or of all; raises StorageError for a name that was never measured."""
        return tuple(self._uid(name) for name in names or self.names)

    def documents(self, name: str) -> Documents:
        """Return the documents of a run in order, together with those of the runs that resumed it."""
        return list(load_dataset(self.store, self._uid(name)))

    def scan(self, name: str) -> RunAccumulator:
        """Return the sums of a pump-probe or foil scan. Raises ReductionError for any other run."""
        sums = self._reduction(name).sums
        if not isinstance(sums, RunAccumulator):
            raise ReductionError(f"The run {name!r} is a {self._reduction(name).kind.name}, not a pump-probe scan.")
        return sums

    def results(self, name: str) -> RunResults:
        """Return the results of a run of any kind; remarks give the reasons if something is missing."""
        return self._once("results", name, lambda: self._reduction(name).results())  # type: ignore[no-any-return]

    def foil(self, name: str) -> FoilResults:
        """Return a foil scan, reduced: steepest point, and edge by the reference that the run records, eV.

        Raises ReductionError for any other run, and for one without an edge.
        """
        results = self._once("foil", name, self._reduction(name).results)
        if not isinstance(results, FoilResults) or results.edge_ev is None or results.foil is None:
            raise ReductionError(f"The run {name!r} has no edge of a foil. {results.table()}")
        return results

    def static(self, name: str) -> StaticSpectrum:
        """Return a static spectrum of the powder, reduced. Raises ReductionError for any other run."""
        results = self._once("static", name, self._reduction(name).results)
        if not isinstance(results, StaticResults):
            raise ReductionError(f"The run {name!r} has no static spectrum. {results.table()}")
        return results.spectrum

    def _reduction(self, name: str) -> RunReduction:
        return self._once("sums", name, lambda: summed(self.documents(name)))  # type: ignore[no-any-return]

    def _once(self, kind: str, name: str, make: Callable[[], Any]) -> Any:
        # The key is the uid, not the name: a section that was measured again has the same names and other runs.
        key = (kind, self._uid(name))
        if key not in self._cache:
            self._cache[key] = make()
        return self._cache[key]

    def _uid(self, name: str) -> str:
        if name not in self._uids:
            raise StorageError(
                f"The campaign has no run {name!r}, only {', '.join(self.names) or 'none'}. Measure its section again."
            )
        return self._uids[name]
