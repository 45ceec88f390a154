"""A beamline without PVs: every signal is a number in memory that behaves as the record would."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from ophyd import EpicsSignal, EpicsSignalRO
from ophyd.sim import FakeEpicsSignal, fake_device_cache, make_fake_device

from devices.axes.axis_group import AxisGroup
from devices.axes.cell import Cell
from devices.axes.delay import Delay
from devices.axes.energy import Energy
from devices.axes.fluence import Fluence, Waveplate
from devices.axes.pointing import Pointing
from devices.axes.record_axis import MotorRecordAxis
from devices.beamline import Beamline, BeamlineAxes
from devices.configuration import (
    BeamlineConfiguration,
    QualitySettings,
    RecordAxisSettings,
    beamline_from_table,
    read_toml,
)
from devices.detectors.power_meter import PowerMeter
from devices.detectors.sdd import Sdd
from devices.exposure.gated_detectors import Exposure
from devices.exposure.point_reader import PointDevices, PointReader
from devices.exposure.powder_reader import PowderDevices, PowderReader
from devices.instrument_response import InstrumentResponse
from devices.laser import Laser
from devices.ring import Ring
from devices.sample_stage import SampleStage
from devices.shutter import Shutter
from devices.signals.uncached_signal import FreshSignalRO, LimitedSignal, PvReading
from devices.surroundings import Surroundings
from tests.support.fake_pilatus import FakePilatus
from tests.support.waiting import WAIT_S
from trxas.configuration import DEFAULT_CONFIGURATION


class MemorySignal(FakeEpicsSignal):
    """A PV in memory: `on_put` is what its record does, put completion comes at once."""

    def __init__(self, read_pv: str, **kwargs: Any) -> None:
        super().__init__(read_pv, **kwargs)
        self.pvname = read_pv
        self.on_put: Callable[[Any], None] = lambda value: None
        self.answers = True
        self.limits_of_record = (0.0, 0.0)

    @property
    def limits(self) -> tuple[float, float]:
        return self.limits_of_record

    def fresh_limits(self) -> tuple[float, float]:
        return self.limits_of_record

    def put(self, value: Any, *, callback: Callable[..., None] | None = None, **_: Any) -> None:
        self.sim_put(value)
        self.on_put(value)
        if callback is not None:
            callback()

    def request(self) -> None:
        if not self.answers:
            from errors import NotConnectedError

            raise NotConnectedError([self.pvname], 0.0)

    def collect(self, timeout_s: float) -> PvReading:
        return PvReading(self.get(), int(self._metadata["severity"] or 0), int(self._metadata["status"] or 0))

    def set_alarm(self, severity: int, status: int) -> None:
        """Put the record into an alarm; its value stays, and its monitor reports both."""
        self.sim_put(self.get(), metadata={"severity": severity, "status": status})

    @property
    def connected(self) -> bool:
        return self.answers


for real in (EpicsSignal, EpicsSignalRO, FreshSignalRO, LimitedSignal):
    fake_device_cache[real] = MemorySignal


@functools.cache
def configuration() -> BeamlineConfiguration:
    """The default configuration, without its storage table, with a monochromator for the paper's edges only."""
    table = read_toml(DEFAULT_CONFIGURATION)
    table.pop("storage")
    table["energy"] |= {"low_ev": 12_800.0, "high_ev": 13_700.0}
    return beamline_from_table(table, "7id.toml")


RESPONSE = InstrumentResponse(sigma_ps=45.0, error_ps=15.0)
NOZZLE = RecordAxisSettings(motor="7idd:m41", unit="mm", low=-5.0, high=5.0, tolerance=0.01)
"""An axis as users add it in their configuration file."""

RF_MHZ = 351.930277
"""RF frequency of the ring of 1104 m: 153.4395 ns from bunch to bunch."""

GATES_PER_S = 1_303_781.0
"""One gate per probe and pump period of 767 ns."""


def quick_quality() -> QualitySettings:
    """Three attempts, no wait longer than a test may take, and an axis stands still from the second look on."""
    times: dict[str, Any] = dict.fromkeys(
        ("ring_settle_s", "jet_settle_s", "laser_settle_s", "shutter_settle_s", "pause_s"), 0.0
    )
    return QualitySettings(attempts=3, suspend_s=5.0, reconnect_s=5.0, stalled_s=0.001, poll_s=0.001, **times)


class FakeHardware:
    """What is behind the signals; tests reach in here to break things.

    `energy_error_kev` makes the monochromator stop short, `refused_triggers` swallows that many exposures. The laser
    gives `laser_w` behind the attenuator, open `laser_zero_deg` off its zero, within `meter_noise_w` of the meter.
    There is a Pilatus if `images`, the folder of its files, is given.
    """

    def __init__(self, images: Path | None = None) -> None:
        config = replace(configuration(), quality=quick_quality(), axes={"nozzle_mm": NOZZLE})
        self.energy_error_kev = 0.0
        self.refused_triggers = 0
        self.laser_w, self.laser_zero_deg, self.meter_noise_w = 0.3, 3.2, 1e-4
        self.meter_readings = 1000
        self.exposures = 0
        self.i0_per_s = 1e6
        self.moves: list[tuple[str, Any]] = []
        self.counts = np.full((2, 5), 1000)
        self.cell_error_c, self.sdd_counts = 0.0, np.arange(100, 105)
        laser = make_fake_device(Laser)(config.laser, prefix="", name="laser")
        surroundings = make_fake_device(Surroundings)(config.surroundings, prefix="", name="surroundings")
        exposure = make_fake_device(Exposure)(config.exposure, prefix="", name="exposure")
        shutter = make_fake_device(Shutter)
        mirror, names = make_fake_device(Pointing), config.pointing
        axes = BeamlineAxes(
            energy=make_fake_device(Energy)(config.energy, prefix="", name="energy"),
            delay=make_fake_device(Delay)(config.delay, RESPONSE, prefix="", name="delay"),
            fluence=make_fake_device(Fluence)(config.fluence, prefix="", name="fluence"),
            pointing_horizontal=mirror(names, names.horizontal, prefix="", name="pointing_horizontal"),
            pointing_vertical=mirror(names, names.vertical, prefix="", name="pointing_vertical"),
            further_axes={"nozzle_mm": make_fake_device(MotorRecordAxis)(NOZZLE, prefix="", name="nozzle_mm")},
        )
        devices = PointDevices(axes=axes.axes, exposure=exposure, laser=laser, surroundings=surroundings)
        point = PointReader(devices, quality=config.quality)
        xray_shutter = shutter("xray:set", "xray:rbv", name="xray_shutter", timeout_s=5.0)
        assert config.cell is not None
        assert config.sdd is not None
        quick = replace(config.cell, settle_s=0.0, poll_s=0.001, timeout_s=WAIT_S)
        cell = make_fake_device(Cell)(quick, prefix="", name="cell")
        stage = make_fake_device(SampleStage)(config.cell, prefix="", name="sample_stage")
        sdd = make_fake_device(Sdd)(config.sdd, prefix="", name="sdd")
        laser_shutter = shutter("laser:set", "laser:rbv", name="laser_shutter", timeout_s=5.0)
        assert config.pilatus is not None
        pilatus: Any = None if images is None else FakePilatus(images, config.pilatus)

        powder = PowderDevices(energy=axes.energy, cell=cell, stage=stage, exposure=exposure, surroundings=surroundings)
        conditions = point.conditions
        images_reader = None
        if pilatus is not None:
            images_reader = PowderReader("powder_images", powder, conditions=conditions, detectors=[pilatus])
        self.beamline = Beamline(
            **vars(axes),
            configuration=config,
            ring=make_fake_device(Ring)(config, prefix="", name="ring"),
            waveplate=make_fake_device(Waveplate)(config.fluence, prefix="", name="waveplate"),
            power_meter=make_fake_device(PowerMeter)(config.laser, prefix="", name="power_meter"),
            laser=laser,
            laser_shutter=laser_shutter,
            xray_shutter=xray_shutter,
            surroundings=surroundings,
            exposure=exposure,
            point=point,
            axis_group=AxisGroup({**axes.axes, "laser_shutter": laser_shutter, "xray_shutter": xray_shutter}),
            cell=cell,
            sample_stage=stage,
            sdd=sdd,
            pilatus=pilatus,
            powder=PowderReader("powder", powder, conditions=conditions, sdd=sdd),
            powder_images=images_reader,
        )
        self._settle()
        self._wire()

    def _settle(self) -> None:
        line: Any = self.beamline
        initial = {
            line.energy.readback: 13.45, line.delay.coarse_readback: 166.78e-9, line.delay.fine_readback: 3000.0,
            line.fluence.angle_readback: 3.2, line.waveplate.angle_readback: 3.2,
            line.pointing_horizontal.readback: 0.0, line.pointing_vertical.readback: 0.0,
            line.further_axes["nozzle_mm"].readback: 0.0,
            line.laser.repetition_rate: 1e12 / 767_000, line.laser.lock: 1, line.laser.rate_divider: 5,
            line.laser_shutter.readback: 0, line.xray_shutter.readback: 1, line.surroundings.ring_current: 102.0,
            line.surroundings.xray_shutter: 1, line.surroundings.jet_flow: 240.0,
            line.surroundings.jet_temperature: 22.0, line.exposure.counting: 0, line.exposure.elapsed: 0.0,
            line.exposure.auto_count: 0,
            line.cell.thermocouple: 24.0, line.cell.in_position: 1, line.cell.setpoint_readback: 24.0,
            line.sample_stage.readback: 0,
            line.ring.rf_frequency: RF_MHZ,
            line.exposure.i0: 0.0, line.exposure.foil: 0.0, line.exposure.preset_readback: 1.0,
        }  # fmt: skip
        for signal, value in initial.items():
            signal.sim_put(value)
        for axis in (*line.axes.values(), line.waveplate):
            motor = axis.motor_fields
            if motor is None:
                continue
            for signal, value in ((motor.high, 0.0), (motor.low, 0.0), (motor.offset, 0.0), (motor.direction, 0)):
                signal.sim_put(value)
            motor.mode.sim_put(3)
        self._publish(1.0)

    def _wire(self) -> None:
        line: Any = self.beamline
        line.energy.setpoint.on_put = self._move_energy
        self._mirror("delay_coarse", line.delay.coarse_setpoint, line.delay.coarse_readback)
        self._mirror("delay_fine", line.delay.fine_setpoint, line.delay.fine_readback)
        self._mirror("fluence", line.fluence.angle, line.fluence.angle_readback)
        line.fluence.angle_readback.subscribe(lambda **_: self._show_power(), run=False)
        self._mirror("waveplate", line.waveplate.angle, line.waveplate.angle_readback)
        self._mirror("horizontal", line.pointing_horizontal.setpoint, line.pointing_horizontal.readback)
        self._mirror("vertical", line.pointing_vertical.setpoint, line.pointing_vertical.readback)
        nozzle: Any = line.further_axes["nozzle_mm"]
        self._mirror("nozzle", nozzle.setpoint, nozzle.readback)
        line.power_meter.power.subscribe = self._send_power
        self._mirror("laser_shutter", line.laser_shutter.setpoint, line.laser_shutter.readback)
        # The same PV twice: one signal for the shutter, one for the monitor.
        self._mirror(
            "xray_shutter", line.xray_shutter.setpoint, line.xray_shutter.readback, line.surroundings.xray_shutter
        )
        self._mirror("dwell", line.exposure.preset, line.exposure.preset_readback)
        line.exposure.count.on_put = self._count
        self._mirror("sample_stage", line.sample_stage.setpoint, line.sample_stage.readback)
        line.cell.setpoint.on_put = self._heat

    def _mirror(self, name: str, setpoint: MemorySignal, *readbacks: MemorySignal) -> None:
        def moved(value: Any) -> None:
            self.moves.append((name, value))
            for readback in readbacks:
                readback.sim_put(value)

        setpoint.on_put = moved

    def _send_power(self, callback: Callable[..., None], **_: Any) -> int:
        assert self.beamline.waveplate is not None
        angle = math.radians(self.beamline.waveplate.angle_readback.get() - self.laser_zero_deg)
        power = self.laser_w * math.sin(2 * angle) ** 2
        for sign in itertools.islice(itertools.cycle((1, -1)), self.meter_readings):
            callback(value=power + sign * self.meter_noise_w)
        return 0

    def _move_energy(self, kev: float) -> None:
        self.moves.append(("energy", kev))
        self.beamline.energy.readback.sim_put(kev + self.energy_error_kev)

    def _heat(self, raw: float) -> None:
        self.moves.append(("cell", raw))
        cell: Any = self.beamline.cell
        cell.setpoint_readback.sim_put(raw)
        cell.thermocouple.sim_put(raw + self.cell_error_c)

    def _count(self, value: int) -> None:
        if value and self.refused_triggers:
            self.refused_triggers -= 1
        elif value:
            self.exposures += 1
            self._publish(float(self.beamline.exposure.preset_readback.get()))

    def _show_power(self) -> None:
        fluence = self.beamline.fluence
        fluence_mj_cm2 = fluence.value_from_raw({"angle_readback": fluence.angle_readback.get()})
        self.beamline.laser.power.sim_put(fluence_mj_cm2 * 1e-3 * fluence.spot_area_cm2 * GATES_PER_S)

    def _publish(self, dwell_s: float) -> None:
        line = self.beamline.exposure
        head = [float(self.exposures), dwell_s, float(self.beamline.laser_shutter.readback.get())]
        line.elapsed.sim_put(dwell_s)
        line.i0.sim_put(self.i0_per_s * dwell_s)
        line.foil.sim_put(4e5 * dwell_s)
        line.spc_frame.sim_put(np.array([*head, 2.0, 5.0, *[GATES_PER_S * dwell_s] * 5, *self.counts.ravel()]))
        rates = [*[5e4] * 5, *[4e4] * 5]
        sdd: Any = self.beamline.sdd
        sdd.frame.sim_put(np.array([*head[:2], *self.sdd_counts.astype(float), *rates]))
        line.boxcar_frame.sim_put(np.array([*head, *[-0.008] * 5, *[1e-10] * 5]))


def with_limits(line: Beamline, **epics: Any) -> BeamlineConfiguration:
    """The configuration of `line` with other EPICS settings."""
    return replace(line.configuration, epics=replace(line.configuration.epics, **epics))
