"""Calibrations that outlast a session: restored when it starts, saved when a plan makes new ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import bluesky.preprocessors as bpp
from bluesky.utils import Msg

from devices.axes.fluence import AttenuatorCalibration
from devices.beamline import Beamline
from devices.bunch_period import BunchPeriod
from devices.exposure.own_detector import OwnDetector
from devices.instrument_response import InstrumentResponse
from errors import InputError, ReductionError, StorageError
from plans.types import AnyPlan
from reduction.gate_calibration import GateCalibration
from reduction.xas.foil_reference import FoilReference
from storage.calibrations import CalibrationFile, SavedCalibration
from trxas.configuration import Configuration

TIME_ZERO = "time_zero_raw_ps"
ENERGY = "energy_calibration_offset_ev"
ENERGY_ERROR = "energy_calibration_error_ev"
RESPONSE = "instrument_response"
PERIOD = "bunch_period"
ATTENUATOR = "attenuator"
GATES = "gate_calibration"
FOILS = "foil_references"
"""Names of the calibrations, as in the start documents."""


def calibration_file(configuration: Configuration) -> CalibrationFile:
    """Return the calibration file of the beamline, which is identified by its name, PV prefix and addresses."""
    epics = configuration.beamline.epics
    addresses = " ".join(sorted(epics.address_list.split()))
    return CalibrationFile(configuration.storage.root, f"{configuration.beamline.name} {epics.prefix}@ {addresses}")


def current(beamline: Beamline) -> dict[str, Any]:
    """Return the calibrations in use, by name: time zero in ps, energy offset in eV, mappings for the others."""
    return {
        TIME_ZERO: beamline.delay.time_zero_raw_ps,
        ENERGY: beamline.energy.calibration_offset_ev,
        ENERGY_ERROR: beamline.energy.calibration_error_ev,
        RESPONSE: asdict(beamline.delay.response),
        PERIOD: asdict(beamline.ring.calibrated),
        ATTENUATOR: asdict(beamline.fluence.calibration),
        GATES: beamline.gates.calibration,
        FOILS: beamline.foils.own,
        **own_calibrations(beamline),
    }


def own_calibrations(beamline: Beamline) -> dict[str, dict[str, Any]]:
    """Return the calibrations of a detector that makes the exposures by itself, by name; none for gated detectors."""
    exposure = beamline.exposure
    return dict(exposure.calibrations) if isinstance(exposure, OwnDetector) else {}


class SessionCalibrations:
    """The calibrations of one beamline: `restore` once, then `saving` around every plan."""

    def __init__(self, beamline: Beamline, file: CalibrationFile) -> None:
        self._beamline = beamline
        self._file = file
        self._known = current(beamline)
        self._saved: dict[str, SavedCalibration] = {}
        self._adding: dict[str, float] = {}
        self._last_run = ""

    def current(self) -> dict[str, Any]:
        """Return the calibrations in use, by name: time zero in ps, energy offset in eV, attenuator as a mapping."""
        return current(self._beamline)

    def saved(self, name: str) -> SavedCalibration | None:
        """Return the latest saved calibration of this name, None before the first."""
        return self._saved.get(name)

    @contextmanager
    def adding(self, name: str, change: float) -> Iterator[None]:
        """Context in which `change` is added to the calibration `name`, in its unit; `change` is saved with it."""
        self._adding[name] = change
        try:
            yield
        finally:
            del self._adding[name]

    def use(self, calibrations: Mapping[str, Any]) -> None:
        """Use `calibrations`, as `current` returns them; raise InputError for a value that the axes do not allow."""
        # Does not write the file: these are values that were in force before, as those of a resumed campaign, not new
        # results.
        # Those that are in force already are left alone: a beamline without X-rays has them, but no axes for them.
        in_force = self.current()
        for name, value in calibrations.items():
            if name not in in_force or in_force[name] != value:
                self._apply(name, value)
        self._known = self.current()

    def restore(self) -> None:
        """Use the saved calibrations.

        Raises StorageError, and uses none of them, if the file is damaged or has a value that the axes do not allow.
        """
        # All or nothing: an energy scale of today with a time zero of last week would be worse than the configured.
        before = current(self._beamline)
        entries = self._file.read()
        for name, saved in entries.items():
            try:
                self._apply(name, saved.value)
            except (InputError, ReductionError, TypeError) as error:
                in_force = self.current()
                # A beamline without X-rays has the calibrations of its axes, but no axes to set them at.
                for changed in (one for one in before.items() if in_force[one[0]] != one[1]):
                    self._apply(*changed)
                raise StorageError(
                    f"{self._file.path}: {name} = {saved.value!r} cannot be used: {error} Remove this entry from the "
                    "file, or move the file away, and calibrate again."
                ) from error
        self._known = current(self._beamline)
        self._saved = entries

    def _apply(self, name: str, value: Any) -> None:
        line = self._beamline
        error_ev = line.energy.calibration_error_ev
        # A new offset resets its error, so both are set together, in whichever order the file has them.
        setters: Mapping[str, Callable[[], object]] = {
            TIME_ZERO: lambda: line.delay.configure({"time_zero_raw_ps": value}),
            ENERGY: lambda: line.energy.configure({"calibration_offset_ev": value, "calibration_error_ev": error_ev}),
            ENERGY_ERROR: lambda: line.energy.configure({"calibration_error_ev": value}),
            RESPONSE: lambda: line.delay.configure({"response": InstrumentResponse(**value)}),
            PERIOD: lambda: line.ring.configure({"bunch_period": BunchPeriod(**value)}),
            ATTENUATOR: lambda: line.fluence.configure({"calibration": AttenuatorCalibration(**value)}),
            GATES: lambda: self._apply_gates(value),
            FOILS: lambda: self._apply_foils(value),
            **{own: lambda: line.exposure.configure({name: value}) for own in own_calibrations(line)},
        }
        if name not in setters:
            raise InputError(f"There is no calibration {name!r}. Known: {', '.join(self._known)}.")
        setters[name]()

    def _apply_gates(self, value: Any) -> None:
        GateCalibration.from_document(value)
        self._beamline.gates.configure({"calibration": value})

    def _apply_foils(self, value: Any) -> None:
        for document in dict(value).values():
            FoilReference.from_document(document)
        self._beamline.foils.configure({"own": value})

    def __call__(self, name: str, doc: Mapping[str, Any]) -> None:
        """Note the uid of each run, as a calibration belongs to the latest one. Subscribe it to the RunEngine."""
        if name == "start":
            self._last_run = str(doc["uid"])

    def saving(self, plan: AnyPlan) -> AnyPlan:
        """Run `plan`, saving each calibration that it sets before its next message; a preprocessor of the RunEngine.

        Raises StorageError, which ends the plan, if a calibration cannot be saved: it would be lost with the session.
        """

        # A calibration reaches an axis as a `configure` message only. It is saved before the plan's next message, so
        # that a session killed in the scan that follows does not lose it.
        def after_configuring(msg: Msg) -> tuple[None, AnyPlan | None]:
            return None, self._save_changes() if msg.command == "configure" else None

        return (yield from bpp.plan_mutator(plan, after_configuring))

    def _save_changes(self) -> AnyPlan:
        # Compared with the values that were known before, not with the message: a plan may configure an axis without
        # changing it, and one message may change several. The clock and the latest run say to which measurement the new
        # value belongs.
        now = current(self._beamline)
        for name in [name for name in now if now[name] != self._known[name]]:
            self._known[name] = now[name]
            calibration = SavedCalibration(
                value=now[name], time_s=time.time(), run_uid=self._last_run, change=self._adding.get(name)
            )
            self._saved[name] = calibration
            self._file.save(name, calibration)
        yield from ()


def calibration_lines(file: CalibrationFile) -> list[str]:
    """Return a line per saved calibration: its value, when it was set, and the latest run before that.

    Raises StorageError for a file that cannot be read.
    """
    return [_line(name, saved) for name, saved in file.read().items()]


def _line(name: str, saved: SavedCalibration) -> str:
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(saved.time_s))
    run = f", run {saved.run_uid[:8]}" if saved.run_uid else ""
    return f"{name} = {_short(saved.value)} (set {when}{run})"


def _short(value: Any) -> str:
    if isinstance(value, Mapping) and "modes" in value:
        return f"zeros and gains of {len(next(iter(value['modes'].values()))['zero'])} gates"
    if isinstance(value, Mapping) and all(isinstance(one, Mapping) for one in value.values()):
        return ", ".join(f"{name} {one['source']}, ± {one['error_ev']:.2g} eV" for name, one in value.items())
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_short(item)}" for key, item in value.items() if _is_shown(key, item))
    return f"{value:.10g}" if isinstance(value, float) else repr(value)


def _is_shown(key: str, item: Any) -> bool:
    # The time stands at the end of the line already, for every calibration.
    return isinstance(item, float) and key != "measured_s"
