"""Pauses of devices, which raise nothing."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

from devices.signals.uncached_signal import CHANNEL_ERRORS
from errors import TrxasError

logger = logging.getLogger("trxas.devices")


@contextlib.contextmanager
def failures_logged(what: str) -> Iterator[None]:
    """Log a failure of hardware in this block as an error: `what` has failed.

    bluesky pauses its devices outside of the plan. An exception there ends the engine at once, and the plan can neither
    close shutters nor stop detectors.
    """
    try:
        yield
    except (TrxasError, TimeoutError, *CHANNEL_ERRORS) as error:
        logger.error("%s: %s", what, error)
