"""Detectors alongside the exposure that a run does not read, and a warning of it before anything moves."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from devices.configuration import BeamlineConfiguration
from plans.choices import Stepping
from plans.engine.request import ScanRequest

logger = logging.getLogger("trxas.plans")


def left_out_text(configuration: BeamlineConfiguration, stepping: Stepping) -> str:
    """Return a sentence on the listed detectors that a run with this stepping does not read; "" if it reads all."""
    # Hardware counts frames of the exposure. What the computer reads at each point by itself has no frame.
    names = ", ".join(one.name for one in configuration.further_detectors)
    if stepping is Stepping.SOFTWARE or not names:
        return ""
    return f'Detectors not read with stepping="{stepping}": {names}. To read them too, give stepping="software".'


def warn_of_left_out(configuration: BeamlineConfiguration, requests: Sequence[ScanRequest]) -> None:
    """Warn, once for all runs of a plan, of the detectors that they do not read."""
    for text in dict.fromkeys(left_out_text(configuration, request.stepping) for request in requests):
        if text:
            logger.warning(text)
