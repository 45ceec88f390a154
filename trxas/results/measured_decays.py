"""Decays that the runs of a store have measured; they correct sizes of transients against an unpumped reference."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from errors import InputError, ReductionError, StorageError
from reduction.kinds import decay_of, decays_for
from storage import find_starts, load_dataset

if TYPE_CHECKING:
    from reduction.run_kind import MeasuredDecay
    from reduction.types import Document
    from storage import Store

logger = logging.getLogger("trxas")

MOST_FITS = 3
"""Delay scans that are fitted in search of a decay; the ones that fit best come first."""


class MeasuredDecays:
    """The decay that corrects a run, from the runs of the store that `store` returns; any thread may call it.

    A decay is fitted once per run, which takes seconds; a run that is still being measured is not used.
    """

    def __init__(self, store: Callable[[], Store]) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._fitted: dict[str, MeasuredDecay | None] = {}

    def __call__(self, start: Document) -> MeasuredDecay | None:
        """Return the decay for the run with this start document, None if no run has measured one.

        Raises nothing: a store that cannot be read is logged, and the sizes are stated without correction.
        """
        # One fit at a time: two callers that ask for the same run would both spend the seconds.
        with self._lock:
            try:
                return self._found(start)
            except StorageError as error:
                logger.warning("No decay could be looked up: %s", error)
                return None

    def _found(self, start: Document) -> MeasuredDecay | None:
        if not (sample := str(start.get("sample", ""))):
            return None
        store = self._store()
        others = decays_for(start, find_starts(store, sample=sample))
        # A resumed run is read with the one that it resumes.
        for other in [one for one in others if not one.get("resumes")][:MOST_FITS]:
            if (decay := self._decay_of(store, str(other["uid"]))) is not None:
                return decay
        return None

    def _decay_of(self, store: Store, uid: str) -> MeasuredDecay | None:
        if uid not in self._fitted:
            documents = load_dataset(store, uid)
            # Not remembered: the scan will have a better decay when it has ended.
            if documents[-1][0] != "stop":
                return None
            try:
                self._fitted[uid] = decay_of(documents)
            except (ReductionError, InputError):
                # A scan without a transient, or with too few delays; the next one may be better.
                self._fitted[uid] = None
        return self._fitted[uid]
