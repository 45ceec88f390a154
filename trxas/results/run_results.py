"""Results of a run, live or stored, by the registry of run kinds, and its figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reduction.kinds import combine_runs, reduce_run
from storage.image_reading import read_image

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reduction.run_kind import CombineChoice, MeasuredDecay, RunResults
    from reduction.types import Document, Documents

    FindDecay = Callable[[Document], MeasuredDecay | None]


def reduce_stored_run(
    documents: Documents,
    kinetics: str | None = None,
    detector: str | None = None,
    decays: FindDecay | None = None,
    *,
    keep_all: bool = False,
    correct_power: bool = True,
) -> RunResults:
    """Return the results of a run, whose images are read from their files.

    `decays` finds the decay of the same sample, which corrects sizes of transients; without it, none is looked for.
    Never raises for the content of a run: what cannot be reduced becomes a remark of the results. `kinetics` names the
    model of a delay scan's fit, or a criterion that chooses it; raises InputError for an unknown one. `detector` names
    one of the listed detectors with gates, as for `reduction.kinds.reduce_run`. `keep_all` keeps the outliers, and
    `correct_power` corrects transients by the measured power of the laser.
    """
    decay = decays(documents[0][1]) if decays is not None and documents else None
    return reduce_run(documents, read_image, kinetics, detector, decay, keep_all=keep_all, correct_power=correct_power)


def combine_stored_runs(
    runs: Sequence[Documents],
    choice: CombineChoice | None = None,
    detector: str | None = None,
    decays: FindDecay | None = None,
    *,
    keep_all: bool = False,
) -> RunResults:
    """Return the results of several runs together; `detector`, `decays` and `keep_all` as for `reduce_stored_run`.

    Raises InputError for runs that do not measure the same, and ReductionError if one of them cannot be reduced.
    """
    decay = decays(runs[0][0][1]) if decays is not None and runs and runs[0] else None
    return combine_runs(runs, read_image, choice, detector, decay, keep_all=keep_all)
