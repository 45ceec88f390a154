"""The ring in the simulations of a coverage: each is started with its RF frequency, so the true period is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from devices.configuration import BeamlineConfiguration
from plans.engine.start_document import timing_metadata
from reduction.timing import Timing, timing_from
from trxas.configuration import DEFAULT_CONFIGURATION, load_configuration

RF_MHZ = 351.930277
"""RF frequency, MHz: 1296 buckets in 1104 m, so that bunches come 39 ps later than configured."""


def true_timing(path: Path = DEFAULT_CONFIGURATION) -> Timing:
    """Return bunches, gates and pumps of the simulations of a beamline, ps, and the response that its file assumes.

    By default that of 7ID-D, in a ring of `RF_MHZ`; a file with a pump scheme describes its own ring. Raises
    ConfigurationError for a wrong file.
    """
    beamline: BeamlineConfiguration = load_configuration(path).beamline
    scheme = beamline.scheme
    if beamline.pump_scheme is None and beamline.buckets_per_bunch:
        scheme = scheme.with_bunch_period(1e6 * beamline.buckets_per_bunch / RF_MHZ)
    timing = timing_from(timing_metadata(scheme, beamline.geometry, beamline.geometry.irf_sigma_ps))
    return replace(timing, irf_error_ps=beamline.geometry.irf_error_ps)
