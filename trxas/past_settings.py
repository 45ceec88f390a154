"""The table `[past]` of a configuration file: which columns of old scan files are what."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import Field
from pydantic.dataclasses import dataclass

from devices.configuration.fields import DAY_S, SETTINGS, Fault, quantity

TABLE = "past"


def _names(what: str) -> Any:
    return Field(description=f"PVs or labels of {what}, the first one that a file has; * stands for anything")


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class PastSettings:
    """Columns of old scan files by PV or label, never by position.

    Of several names, the first that a file has is used: put columns of longer exposures first, as they contain the
    shorter ones. `boxcar_exposures_s` are the exposures of the names of `boxcar_on`, in their order; those of counting
    are in `count_time`, or else `dwell_s`. Rows whose I0 differs by more than `i0_tolerance` from its running median
    are cut, and those below `beam_lost_below` of the median of the pass. Energies closer than `merge_ev` and delays
    closer than `merge_ps` are one point. The defaults are the names of APS 7ID-D.
    """

    energy: Annotated[tuple[str, ...], _names("the photon energy, keV or eV")] = (
        "7ida:BraggERdbkAO", "7ida:BraggEAO", "energy", "Energy*",
    )  # fmt: skip
    delay_coarse: Annotated[tuple[str, ...], _names("the delay generator, s")] = (
        "7idd:DG1:ADelayAI",
        "7idd:DG1:ADelayAO",
    )
    delay_fine: Annotated[tuple[str, ...], _names("the phase shifter, ps")] = ("7idd:digDelay1:actualDelay",)
    i0: Annotated[tuple[str, ...], _names("the ion chamber")] = ("7idd:scaler1.S2", "I0", "ic0")
    spc_on: Annotated[tuple[str, ...], _names("counts of the pumped gate")] = ("amofg1a:scaler1.S10", "spc_on")
    spc_off: Annotated[tuple[str, ...], _names("counts of the unpumped gate")] = ("amofg1a:scaler1.S9", "spc_off")
    boxcar_on: Annotated[tuple[str, ...], _names("the boxcar with laser, V")] = ("7idb:userCalc14", "7idb:userCalc12")
    boxcar_off: Annotated[tuple[str, ...], _names("the boxcar without laser, V")] = (
        "7idb:userCalc13",
        "7idb:userCalc11",
    )
    boxcar_exposures_s: Annotated[tuple[float, ...], Field(description="exposures of the columns of boxcar_on (s)")] = (
        6.0,
        3.0,
    )
    count_time: Annotated[tuple[str, ...], _names("the counting time, s")] = (
        "Seconds",
        "7idd:scaler1.TP",
        "count_time_s",
    )
    dwell_s: Annotated[float, quantity("counting time of files that do not state it", "s", above=0.0, high=DAY_S)] = 6.0
    i0_tolerance: Annotated[float, quantity("relative tolerance of I0 to its running median", above=0.0, high=1.0)] = (
        0.03
    )
    beam_lost_below: Annotated[
        float, quantity("share of the median of I0 below which the beam was lost", low=0.0, below=1.0)
    ] = 0.5
    merge_ev: Annotated[
        float, quantity("largest distance between energies that count as one point", "eV", above=0.0, high=10.0)
    ] = 0.25
    merge_ps: Annotated[
        float, quantity("largest distance between delays that count as one point", "ps", above=0.0, high=1e3)
    ] = 1.0

    def faults(self) -> Iterable[Fault]:
        """Yield a fault if exposures and names of the boxcar differ in number."""
        if not len(self.boxcar_on) == len(self.boxcar_off) == len(self.boxcar_exposures_s):
            message = (
                f"has {len(self.boxcar_exposures_s)} exposures for {len(self.boxcar_on)} columns with laser and "
                f"{len(self.boxcar_off)} without. Give one exposure, s, per pair of columns."
            )
            yield Fault(table=TABLE, key="boxcar_exposures_s", message=message)
