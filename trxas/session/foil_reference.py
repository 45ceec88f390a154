"""A run of this beamline's own foil as the reference of its edge."""

from __future__ import annotations

from collections.abc import Callable

import bluesky.plan_stubs as bps

from errors import InputError
from reduction.kinds import reduce_run
from reduction.number_text import with_error
from reduction.xas.foil_reference import own_reference
from reduction.xas.results import FoilResults
from storage import RunKey, load_dataset
from trxas.session.session import Session


def use_foil_reference(
    session: Session, key: RunKey, edge_ev: float, error_ev: float, *, at_ev: float | None = None
) -> str:
    """Make a stored foil scan the reference of its edge for all later ones; return what that means as text.

    `key`: uid, scan id, or -1 for the latest. `edge_ev` and `error_ev`, eV: true energy, with its error, of the point
    of the foil that lies at `at_ev` on the axis of the run, by default of its steepest point. The reference is saved
    with the calibrations. Raises InputError for any other kind of run or impossible numbers.
    """
    documents = load_dataset(session.store, key)
    start = documents[0][1]
    found = reduce_run(documents)
    if not isinstance(found, FoilResults):
        raise InputError(
            f"Run {str(start['uid'])[:8]} is a {found.kind}, not a foil scan. Give the key of a foil scan."
        )
    edge = str(start["edge"])
    source = f"own foil, run {str(start['uid'])[:8]}"
    made = own_reference(found.absorption, edge, source, edge_ev=edge_ev, error_ev=error_ev, at_ev=at_ev)
    foils = session.beamline.foils
    session.measure_all(bps.configure(foils, {"own": {**foils.own, edge: made}}))
    return f"reference of {edge}: {source}, edge at {with_error(edge_ev, made['error_ev'], 'eV')}"


def use_foil_reference_function(session: Session) -> Callable[..., str]:
    """Return `use_foil_reference` for the prompt, without its first argument."""

    def use(key: RunKey = -1, *, edge_ev: float, error_ev: float, at_ev: float | None = None) -> str:
        """Make a foil scan the reference of its edge: its edge lies at `edge_ev` ± `error_ev`, eV.

        `key`: uid, scan id, or -1 for the latest. That is the energy of the foil's steepest point, or of the point that
        lies at `at_ev` on the axis of the run. Saved with the calibrations; later foil scans record and use it.
        """
        return use_foil_reference(session, key, edge_ev, error_ev, at_ev=at_ev)

    return use
