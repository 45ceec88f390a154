"""Where the paper of a technique is measured: on simulations, or on an existing endstation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trxas.configuration import Configuration


@dataclass(frozen=True, kw_only=True)
class PaperPlace:
    """Where the endstations are: `configuration(address_list, prefix)` gives a session's configuration.

    `address_list` names an existing one, on which only the main sample is measured; None starts simulations with `seed`
    and `speed`, in seconds of beam time per second of wall time, around `sample` (None: the paper's).
    """

    configuration: Callable[[str, str], Configuration]
    address_list: str | None
    sample: str | None
    seed: int
    speed: float
