"""Results of complete runs that other runs of their series need, such as foil scans and calibrations of gates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from errors import InputError, ReductionError
from reduction.kinds import reduce_run
from storage.chains import load_dataset

if TYPE_CHECKING:
    from reduction.run_kind import RunResults
    from storage.runs import RunSource


class CompleteRuns:
    """Results by uid, each reduced once. One thread at a time may ask."""

    def __init__(self) -> None:
        self._results: dict[str, RunResults | None] = {}

    def results(self, store: RunSource, uid: str) -> RunResults | None:
        """Return the results of a run; None if it cannot be reduced, or is still being measured.

        Raises StorageError if the run cannot be read.
        """
        if uid not in self._results:
            documents = load_dataset(store, uid)
            # Not remembered: an open run may end at any moment.
            if documents[-1][0] != "stop":
                return None
            try:
                self._results[uid] = reduce_run(documents)
            except (InputError, ReductionError):
                self._results[uid] = None
        return self._results[uid]
