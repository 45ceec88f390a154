"""Results of a run, live or stored, by the registry of run kinds, and its figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reduction.kinds import reduce_run
from storage.image_reading import read_image

if TYPE_CHECKING:
    from collections.abc import Callable

    from reduction.run_kind import MeasuredDecay, RunResults
    from reduction.types import Document, Documents

    FindDecay = Callable[[Document], MeasuredDecay | None]


def reduce_stored_run(
    documents: Documents,
    kinetics: str | None = None,
    detector: str | None = None,
    decays: FindDecay | None = None,
    *,
    keep_all: bool = False,
) -> RunResults:
    """Return the results of a run, whose images are read from their files.

    `decays` finds the decay of the same sample, which corrects sizes of transients; without it, none is looked for.
    Never raises for the content of a run: what cannot be reduced becomes a remark of the results. `kinetics` names the
    model of a delay scan's fit, or a criterion that chooses it; raises InputError for an unknown one. `detector` names
    one of the listed detectors with gates, as for `reduction.kinds.reduce_run`. `keep_all` keeps the outliers.
    """
    decay = decays(documents[0][1]) if decays is not None and documents else None
    return reduce_run(documents, read_image, kinetics, detector, decay, keep_all=keep_all)
