"""Runs as a session would emit them: with uids of their own and times that pass."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfc

from tests.support.beam_time import BUNCH_PERIOD_PS, BeamTime, br_signal, br_static, energy_points
from tests.support.types import NamedDocument

BEGAN_S, EXPOSURE_S = 1_700_000_000.0, 0.5
"""Unix epoch of the start document, and the time from event to event."""

IRF_SIGMA_PS = 45.0
DELAYS_PS = np.concatenate(
    [np.linspace(-500, -150, 5), np.linspace(-90, 260, 15), np.geomspace(300, 2400, 20), np.geomspace(6e3, 130e3, 8)]
)
FLUENCES = np.array([0.5, 1.0, 2.0, 3.5, 5.0, 6.5, 8.0, 8.83, 9.6, 10.8])


def energy_run(uid: str = "energy-1", *, seed: int = 1, **settings: Any) -> list[NamedDocument]:
    """An energy scan over the Br K edge, 3 scans of 44 points unless told otherwise."""
    energy = energy_points()
    given: dict[str, Any] = {"points": energy, "static": br_static(energy), "signal": br_signal(energy)}
    return _timed(BeamTime(**given | settings), uid, seed)


def delay_run(uid: str = "delay-1", *, seed: int = 1, **settings: Any) -> list[NamedDocument]:
    """A delay scan with the published kinetics, 2 scans of 48 points, bright enough for a fit."""
    delay = DELAYS_PS[:, None] + BUNCH_PERIOD_PS * np.arange(5)
    signal = -0.02 * (0.6 * _smeared(delay, 120.0) + 0.21 * _smeared(delay, 900.0) + 0.19 * _smeared(delay, 400e3))
    given: dict[str, Any] = {"points": DELAYS_PS, "static": np.ones(len(DELAYS_PS)), "signal": signal}
    return _timed(BeamTime(**given | {"axis": "delay_ps", "scans": 2, "dwell_s": 60.0} | settings), uid, seed)


def fluence_run(uid: str = "fluence-1", *, seed: int = 1, **settings: Any) -> list[NamedDocument]:
    """A fluence scan in its linear regime."""
    signal = np.outer(-0.0023 * FLUENCES, [1.0, 0.2, 0.0, 0.0, 0.0])
    given: dict[str, Any] = {"points": FLUENCES, "static": np.ones(len(FLUENCES)), "signal": signal}
    return _timed(BeamTime(**given | {"axis": "fluence_mj_cm2", "dwell_s": 3.0} | settings), uid, seed)


def _smeared(delay_ps: NDArray[np.float64], tau_ps: float) -> NDArray[np.float64]:
    """A decay from time 0, convolved with the Gaussian instrument response."""
    width = IRF_SIGMA_PS / tau_ps
    step = erfc((width - delay_ps / IRF_SIGMA_PS) / np.sqrt(2.0)) / 2.0
    return np.asarray(np.exp(width**2 / 2.0 - np.maximum(delay_ps, -10 * IRF_SIGMA_PS) / tau_ps) * step)


def _timed(beam_time: BeamTime, uid: str, seed: int) -> list[NamedDocument]:
    descriptor = f"{uid}-primary"
    documents: list[NamedDocument] = []
    for number, (name, doc) in enumerate(beam_time.documents(np.random.default_rng(seed))):
        own: dict[str, dict[str, Any]] = {
            "start": {"uid": uid},
            "descriptor": {"uid": descriptor, "run_start": uid, "data_keys": {}},
        }
        own |= {"event": {"uid": f"{uid}-{number}", "descriptor": descriptor}}
        own |= {"stop": {"uid": f"{uid}-stop", "run_start": uid}}
        documents.append((name, {**doc, **own[name], "time": BEGAN_S + EXPOSURE_S * number}))
    return documents
