"""Which columns of an old scan hold what: found by PV or label, and never by their place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import numpy as np

from trxas.past.scan import PastColumn, PastFileError, PastScan

if TYPE_CHECKING:
    from reduction.types import FloatArray
    from trxas.past_settings import PastSettings

KEV_BELOW = 1000.0
"""Photon energies below this number are in keV: no monochromator of hard X-rays goes below 1000 eV."""

EV_PER_KEV = 1e3
PS_PER_S = 1e12


@dataclass(frozen=True, kw_only=True)
class PastData:
    """The quantities of one pass, (rows,) each; pairs are (pumped, unpumped), None where the file lacks them.

    `energy_ev`, eV; `delay_raw_ps`: coarse and fine delay, ps, without sign or time zero, None without a column;
    `exposure_s` (rows,) and `boxcar_exposure_s` in s. `used`: the column of each quantity. `remarks` are sentences.
    """

    scan: PastScan
    energy_ev: FloatArray
    delay_raw_ps: tuple[FloatArray, FloatArray] | None
    i0: FloatArray
    spc: tuple[FloatArray, FloatArray] | None
    boxcar: tuple[FloatArray, FloatArray] | None
    exposure_s: FloatArray
    boxcar_exposure_s: float
    used: dict[str, str]
    remarks: tuple[str, ...]


def find_data(scan: PastScan, settings: PastSettings) -> PastData:
    """Return the quantities of a scan; raises PastFileError if energy, I0 or every signal is missing."""
    finder = _Finder(scan)
    energy = finder.required("energy", settings.energy)
    i0 = finder.required("i0", settings.i0)
    spc = finder.pair("spc", settings.spc_on, settings.spc_off)
    boxcar = finder.pair("boxcar", settings.boxcar_on, settings.boxcar_off)
    if spc is None and boxcar is None:
        raise PastFileError(
            f"{scan.name} has neither the counts nor the boxcar of both gates. It has: {_listing(scan)}. Name the "
            "columns in the table [past] of the configuration."
        )
    if spc is None:
        finder.remarks.append("no counts (SPC) in this pass: its boxcar alone is used")
    coarse = finder.optional("delay", settings.delay_coarse)
    fine = finder.optional("fine delay", settings.delay_fine)
    delay = None if coarse is None else (coarse * PS_PER_S, np.zeros(scan.rows) if fine is None else fine)
    return PastData(
        scan=scan,
        # Files name the unit unreliably. No energy in eV of this beamline is as small as one in keV.
        energy_ev=np.where(energy < KEV_BELOW, energy * EV_PER_KEV, energy),
        delay_raw_ps=delay,
        i0=i0,
        spc=spc,
        boxcar=boxcar,
        exposure_s=finder.exposure_s(settings),
        boxcar_exposure_s=finder.boxcar_exposure_s(settings),
        used=finder.used,
        remarks=(*scan.remarks, *finder.remarks),
    )


class _Finder:
    """Search for the columns of one scan; `used` and `remarks` report what was found."""

    def __init__(self, scan: PastScan) -> None:
        self._scan = scan
        self.used: dict[str, str] = {}
        self.remarks: list[str] = []

    def required(self, quantity: str, names: Sequence[str]) -> FloatArray:
        """Return a column (rows,), or a value that holds for the whole scan; raises PastFileError without one."""
        found = self.optional(quantity, names)
        if found is None:
            raise PastFileError(
                f"{self._scan.name} has no column for {quantity}: none of {', '.join(names)}. It has: "
                f"{_listing(self._scan)}. Name it in the table [past] of the configuration."
            )
        return found

    def optional(self, quantity: str, names: Sequence[str]) -> FloatArray | None:
        """Return a column (rows,), or a value that holds for the whole scan; None without either."""
        for name in names:
            if (column := self._column(name)) is not None:
                self.used[quantity] = _fitting_name(column, name)
                return column.values
        for name in names:
            # A quantity that did not change during the scan was often only recorded once, in front of it.
            for key, value in self._scan.extras.items():
                if _fits(key, name) and (number := _number(value)) is not None:
                    self.used[quantity] = f"{key} (the same for all points)"
                    return np.full(self._scan.rows, number)
        return None

    def pair(self, quantity: str, on: Sequence[str], off: Sequence[str]) -> tuple[FloatArray, FloatArray] | None:
        """Return the columns with and without laser that belong together, (rows,) each; None without a whole pair."""
        # The first pair counts: columns of 6 s contain those of 3 s, so that using both would count photons twice.
        for one, other in zip(on, off, strict=True):
            columns = (self._column(one), self._column(other))
            if columns[0] is not None and columns[1] is not None:
                self.used[f"{quantity} on"] = _fitting_name(columns[0], one)
                self.used[f"{quantity} off"] = _fitting_name(columns[1], other)
                return columns[0].values, columns[1].values
            if columns != (None, None):
                self.remarks.append(f"{one if columns[0] is not None else other} has no partner and is not used")
        return None

    def exposure_s(self, settings: PastSettings) -> FloatArray:
        """Return the counting time of each point, s, (rows,); with a remark if the file does not state it."""
        # A scan that counts up to a monitor has another time at each point, in a column.
        found = self.optional("count time", settings.count_time)
        if found is not None and np.isfinite(found).all() and (found > 0).all():
            return found
        self.remarks.append(f"no counting time in the file: {settings.dwell_s:g} s assumed (dwell_s in [past])")
        return np.full(self._scan.rows, settings.dwell_s)

    def boxcar_exposure_s(self, settings: PastSettings) -> float:
        """Return the exposure of the boxcar's columns that are used, s."""
        used = self.used.get("boxcar on", "")
        fitting = [
            exposure
            for name, exposure in zip(settings.boxcar_on, settings.boxcar_exposures_s, strict=True)
            if _fits(used, name)
        ]
        return fitting[0] if fitting else settings.dwell_s

    def _column(self, name: str) -> PastColumn | None:
        fitting = [column for column in self._scan.columns if any(_fits(one, name) for one in column.names)]
        if len(fitting) > 1:
            # A wrong choice between different columns would be a wrong result without any sign; equal ones are one
            # column.
            if any(not np.array_equal(fitting[0].values, one.values, equal_nan=True) for one in fitting[1:]):
                raise PastFileError(
                    f"{self._scan.name} has {len(fitting)} different columns that fit {name}: "
                    f"{'; '.join(column.names[0] for column in fitting)}. Give the exact PV in the table [past]."
                )
            self.remarks.append(f"{name} is in the file {len(fitting)} times, with equal numbers")
        return fitting[0] if fitting else None


def _fitting_name(column: PastColumn, wanted: str) -> str:
    """Return the name of a column that is the wanted one: of a positioner, its setpoint or its read-back."""
    return next(name for name in column.names if _fits(name, wanted))


def _fits(given: str, wanted: str) -> bool:
    """Return whether a name of a file is the wanted one: case does not matter, nor does the field .VAL of a record."""
    return fnmatchcase(given.lower().removesuffix(".val"), wanted.lower().removesuffix(".val"))


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _listing(scan: PastScan) -> str:
    return ", ".join(column.names[0] for column in scan.columns) or "no columns"
