"""Table of the sequencer, which steps the laser delay in hardware."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic.dataclasses import dataclass

from devices.configuration.fields import SETTINGS, Fault, Pv, quantity, whole_number


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class SequencerSettings:
    """PVs of a sequencer: a table of settings that it plays by itself, and the numbered frames that it counts.

    `table`: rows of dwell, both raw delays, shutter and labels; `watch`: names of the PVs whose range is in each frame;
    `token`: number of the run. `arm` checks the table, `run` plays it and completes at its end. `latest`: number of the
    latest frame; `read_from`: number of the first frame that `frames` shows.
    """

    table: Pv
    watch: Pv
    token: Pv
    settle: Pv
    arm: Pv
    run: Pv
    state: Pv
    message: Pv
    latest: Pv
    read_from: Pv
    frames: Pv
    rows: Annotated[int, whole_number("largest number of rows of a table", low=1, high=1_000_000)] = 4096
    watched: Annotated[int, whole_number("largest number of PVs whose range is in a frame", low=1, high=1000)] = 32
    settle_s: Annotated[
        float, quantity("time with closed gates after a step of the delay", "s", low=0.0, high=10.0)
    ] = 0.02
    margin_s: Annotated[float, quantity("time a sequence may take beyond its frames", "s", above=0.0, high=600.0)] = (
        10.0
    )

    def faults(self) -> Iterable[Fault]:
        """Yield nothing: the keys do not depend on each other."""
        return ()
