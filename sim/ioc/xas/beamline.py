"""The whole simulated beamline: every PV group around one experiment."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from caproto.server import PVGroup

from sim.clock import BeamClock
from sim.errors import SimulationInputError
from sim.faults.history import History
from sim.faults.records import Faults
from sim.ioc.channel_access.running_server import Network, Server
from sim.ioc.experiment import BuildOptions
from sim.ioc.records.after_write import after_write
from sim.ioc.records.further_axes import FurtherAxis, axis_group
from sim.ioc.records.mechanics import Mechanics
from sim.ioc.records.motor import MotorGroup
from sim.ioc.safety.session_lock import SessionLock
from sim.ioc.xas.detectors.acquisition import Acquisition
from sim.ioc.xas.detectors.gated_drift import gated_drift_group
from sim.ioc.xas.detectors.pilatus import Pilatus
from sim.ioc.xas.detectors.sdd import Sdd
from sim.ioc.xas.effect_switches import EffectSwitches
from sim.ioc.xas.equipment.cell import Cell
from sim.ioc.xas.equipment.environment import Environment
from sim.ioc.xas.equipment.foil_wheel import FoilWheel
from sim.ioc.xas.equipment.laser import HORIZONTAL_MOTOR, VERTICAL_MOTOR, WAVEPLATE_MOTOR, Laser
from sim.ioc.xas.equipment.monochromator import BRAGG_MOTOR, Monochromator
from sim.ioc.xas.equipment.timing import Timing
from sim.ioc.xas.fault_targets import DeviceTargets
from sim.ioc.xas.hardware_scans.fly_scan import FlownDevices, FlyScans
from sim.ioc.xas.hardware_scans.sequencer import SequencedDevices, Sequencer
from sim.ioc.xas.hardware_scans.sweep import DrivePlay
from sim.ioc.xas.public_names import FLUENCE_BY_HAND_MJ_CM2, only_public
from sim.ioc.xas.safety import GuardedDevices, Safety
from sim.physics.beamline_state import BeamlineState
from sim.physics.diffraction import PowderScene
from sim.physics.experiment import Experiment
from sim.physics.sample import Sample

NOZZLE_MOTOR = "7idd:m41"
"""Name of the jet nozzle's motor record, chosen here: an axis that the default configuration does not use."""

NOZZLE = Mechanics(egu="mm", low=-10.0, high=10.0, velocity=2.0)
"""Travel and speed of the jet nozzle, mm and mm/s (chosen)."""

IMAGES = "images"
"""Name of the exposures of the area detector in the history."""


class SimulatedBeamline:
    """All PVs of a beamline with `sample` in the beam, as the `options` describe it.

    Raises SimulationInputError if a fault of the schedule is about something that this beamline lacks.
    """

    def __init__(
        self,
        sample: Sample,
        options: BuildOptions,
    ) -> None:
        seed = options.seed
        restarts = options.restarts
        macro = options.macro
        schedule = options.schedule
        self.clock = BeamClock(options.speed)
        self._macro = macro
        self._public = options.public
        self._added: list[PVGroup] = []
        self.experiment = Experiment(
            sample=sample,
            seed=seed,
            restarts=restarts,
            scheme=options.scheme,
            photodiodes=options.photodiodes,
            begin_hour=options.begin_hour,
        )
        self._beam = sample.beam
        self.effect_switches = EffectSwitches(macro, experiment=self.experiment)
        self.monochromator = Monochromator(macro, clock=self.clock, backlash_ev=sample.beam.backlash_ev)
        self.timing = Timing(macro, clock=self.clock, beam=sample.beam)
        self.nozzle = MotorGroup(
            macro + NOZZLE_MOTOR, clock=self.clock, description="Height of the jet nozzle", mechanics=NOZZLE
        )
        # The history asks for the settings only once exposures run; the devices below show its states.
        self.history = History(self.clock, self.settings)
        self.laser = Laser(macro, clock=self.clock, disturbed=self.history.now, seed=seed, scheme=options.scheme)
        if options.public:
            self.laser.set_by_hand(FLUENCE_BY_HAND_MJ_CM2)
        self.environment = Environment(macro, clock=self.clock, experiment=self.experiment, disturbed=self.history.now)
        self.cell = Cell(macro, clock=self.clock)
        self.foil_wheel = FoilWheel(macro, clock=self.clock)
        self.acquisition = Acquisition(macro, clock=self.clock, experiment=self.experiment, history=self.history)
        self.sdd = Sdd(macro, sample=sample, cell=self.cell, seed=seed, restarts=restarts)
        self.sdd.effects = lambda: self.experiment.effects
        self.gated_drift = gated_drift_group(self.experiment.probes)(macro, seed=seed, restarts=restarts)
        self.laser.drift = lambda: self.experiment.laser_power
        self.acquisition.ahead += [self.gated_drift.count_ahead, self.laser.show_ahead]
        self.acquisition.gated += [self.sdd.publish, self.gated_drift.publish, self.laser.after_exposure]
        sequenced = SequencedDevices(acquisition=self.acquisition, timing=self.timing, laser=self.laser)
        self.sequencer = Sequencer(macro, clock=self.clock, devices=sequenced, resolve=self._channel)
        self.fly_scans = self._fly_scans(macro, DrivePlay(sample.beam.drive_play_ev))
        gate = ImageGate(self.history, self.scene)
        self.pilatus = Pilatus(macro, clock=self.clock, phases=sample.phases, seed=seed, restarts=restarts, gate=gate)
        self.lock = SessionLock(macro)
        self.safety = Safety(macro, guarded=self._guarded(), lock=self.lock)
        self.targets = self._targets(macro)
        self.faults = Faults(
            macro,
            clock=self.clock,
            history=self.history,
            targets=self.targets,
            refresh=self.refresh,
            schedule=schedule,
        )
        # A planned fault may name any record, those of the faults included: all of them are there by now.
        for planned in schedule.faults:
            planned.fault.check(self.targets)
        self._connect_changes()

    def _fly_scans(self, macro: str, play: DrivePlay) -> FlyScans:
        flown = FlownDevices(acquisition=self.acquisition, monochromator=self.monochromator, laser=self.laser)
        found = FlyScans(macro, clock=self.clock, devices=flown, resolve=self._channel, play=play)
        found.offset_ev = self._energy_offset_ev
        return found

    def _energy_offset_ev(self) -> float:
        """Return the true energy minus that of the encoder, eV, at rest."""
        return self.monochromator.seating.offset_ev + self._beam.calibration_offset_ev

    def _guarded(self) -> GuardedDevices:
        return GuardedDevices(
            laser=self.laser,
            environment=self.environment,
            cell=self.cell,
            timing=self.timing,
            monochromator=self.monochromator,
        )

    def _targets(self, macro: str) -> DeviceTargets:
        motors = {
            BRAGG_MOTOR: self.monochromator.bragg,
            WAVEPLATE_MOTOR: self.laser.waveplate,
            HORIZONTAL_MOTOR: self.laser.horizontal,
            VERTICAL_MOTOR: self.laser.vertical,
            NOZZLE_MOTOR: self.nozzle,
        }
        return DeviceTargets(
            macro=macro,
            acquisition=self.acquisition,
            cell=self.cell,
            environment=self.environment,
            laser=self.laser,
            motors=motors,
            pilatus=self.pilatus,
            timing=self.timing,
            known_pv=self._has_pv,
        )

    def _has_pv(self, name: str) -> bool:
        """Return whether there is a record, or a field of one, with this full name."""
        record, _, field = name.partition(".")
        channel = self.pvdb.get(record)
        return channel is not None and (not field or field in channel.fields)

    def _channel(self, name: str) -> Any:
        """Return a record, or a field of one, by its full name; raises KeyError if there is none."""
        record, _, field = name.partition(".")
        channel = self.pvdb[record]
        return channel.fields[field] if field and field != "VAL" else channel

    def _connect_changes(self) -> None:
        """Note changes that affect an exposure as soon as they happen; motors in motion are sampled instead."""
        laser = self.laser
        environment = self.environment
        timing = self.timing
        for channel in (laser.shutter_readback, laser.rate_divider, environment.xray_shutter_readback,
                        environment.jet_flow, timing.coarse_readback, timing.fine_readback,
                        self.cell.selected, self.foil_wheel.element_readback):  # fmt: skip
            after_write(channel, self.history.note)
        for channel in (environment.jet_flow_readback, self.cell.selected):
            after_write(channel, self.safety.check_jet)
        after_write(laser.waveplate.record.fields["RBV"], laser.show_power)

    def settings(self) -> BeamlineState:
        """Return the state of the beamline as it is set, in true eV, ps and mJ/cm2, without the effects of faults."""
        # "True" differs from what PVs show: the monochromator has an offset and backlash, the delay a hidden time zero,
        # the laser spot an offset. Only the exposure log writes these numbers; a measurement has to find them.
        mono = self.monochromator
        return BeamlineState(
            energy_ev=mono.energy_ev + self._energy_offset_ev(),
            delay_ps=self.timing.delay_ps,
            laser_horizontal_um=self.laser.horizontal.position - self._beam.laser_horizontal_um,
            laser_vertical_um=self.laser.vertical.position - self._beam.laser_vertical_um,
            fluence_mj_cm2=self.laser.fluence_mj_cm2,
            laser_shutter_open=self.laser.shutter_open,
            xray_shutter_open=self.environment.xray_shutter_open,
            jet_running=self.environment.jet_running and not self.cell.in_beam,
            rate_divider=self.laser.rate_divider.value,
            foil=self.foil_wheel.in_beam,
        )

    def scene(self, beam: float) -> PowderScene:
        """Return the scene that the area detector sees now; `beam` is the flux as a fraction of the undisturbed one."""
        ring = self.experiment.ring
        return PowderScene(
            energy_ev=self.settings().energy_ev,
            temperature_c=self.cell.temperature_c,
            flux=ring.current_ma(self.experiment.time_s) / ring.full_ma * beam,
            powder_in_beam=self.cell.in_beam,
        )

    def add_axes(self, axes: Iterable[FurtherAxis]) -> None:
        """Serve axes of a user, too, unless all their PVs are served already: an axis may be a device of the beamline.

        Raises SimulationInputError for a range that a motor record cannot have, and for a PV that is served already
        while others of the axis are not.
        """
        for axis in axes:
            if {self._macro + pv for pv in axis.pvs} <= self.pvdb.keys():
                continue
            group = axis_group(axis, macro=self._macro, clock=self.clock)
            if taken := sorted(set(group.pvdb) & set(self.pvdb)):
                raise SimulationInputError(f"--axis: {', '.join(taken)} is a PV of the simulated beamline already")
            self._added.append(group)

    async def refresh(self) -> None:
        """Update the read-backs with the effects of faults."""
        state = self.history.now()
        await self.environment.show(state)
        await self.laser.show(state)

    def serve_through(self, network: Network, restart: Callable[[float, bool], None]) -> None:
        """Let faults act on the running server; `restart` takes the dead time, s, and whether to change the port."""
        self.targets.server = Server(network=network, restart=restart)

    @property
    def title(self) -> str:
        """Name of the sample in the beam."""
        return self.experiment.sample.name

    @property
    def pvdb(self) -> dict[str, Any]:
        """Every PV by its full name."""
        groups = (self.monochromator, self.timing, self.nozzle, self.laser, self.environment, self.acquisition,
                  self.sequencer, self.fly_scans, self.cell, self.foil_wheel, self.sdd, self.gated_drift, self.pilatus,
                  self.lock, self.safety, self.effect_switches, self.faults)  # fmt: skip
        served = {name: pv for group in groups for name, pv in group.pvdb.items()}
        shown = only_public(served, self._macro) if self._public else served
        return shown | {name: pv for group in self._added for name, pv in group.pvdb.items()}


class ImageGate:
    """Gate of the area detector, which sees the mean flux of its exposure."""

    def __init__(self, history: History, scene: Callable[[float], PowderScene]) -> None:
        self._history = history
        self._scene = scene

    def open(self) -> None:
        """Start an exposure."""
        self._history.begin(IMAGES)

    def close(self, exposure_s: float) -> PowderScene:
        """End the exposure, and return the scene of `exposure_s` seconds of beam."""
        beam = [(state.beam, seconds) for state, seconds in self._history.end(IMAGES, exposure_s)]
        return self._scene(sum(relative * seconds for relative, seconds in beam) / exposure_s)

    def forget(self) -> None:
        """Drop an exposure that was not finished; raises nothing if there is none."""
        self._history.forget(IMAGES)
