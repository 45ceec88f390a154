"""The whole simulated beamline: every PV group around one experiment."""

from __future__ import annotations

from typing import Any

from sim.ioc.acquisition import Acquisition
from sim.ioc.cell import Cell
from sim.ioc.clock import BeamClock
from sim.ioc.environment import Environment
from sim.ioc.laser import Laser
from sim.ioc.monochromator import Monochromator
from sim.ioc.pilatus import Pilatus
from sim.ioc.sdd import Sdd
from sim.ioc.timing import Timing
from sim.physics.diffraction import Scene
from sim.physics.experiment import BeamlineState, Experiment
from sim.physics.sample import Sample


class SimulatedBeamline:
    """All PVs of a beamline with `sample` in the beam, their names under the prefix `macro`."""

    def __init__(self, sample: Sample, *, seed: int, speed: float, macro: str = "") -> None:
        self.clock = BeamClock(speed)
        self.experiment = Experiment(sample, seed)
        self._beam = sample.beam
        self.monochromator = Monochromator(macro, clock=self.clock, backlash_ev=sample.beam.backlash_ev)
        self.timing = Timing(
            macro,
            clock=self.clock,
            time_zero_ps=sample.beam.time_zero_ps,
            coarse_sign=sample.beam.coarse_sign,
            fine_sign=sample.beam.fine_sign,
            fine_jump_ps=sample.beam.fine_jump_ps,
        )
        self.laser = Laser(macro, clock=self.clock, seed=seed)
        self.environment = Environment(macro, clock=self.clock, experiment=self.experiment)
        self.acquisition = Acquisition(macro, clock=self.clock, experiment=self.experiment, state=self.state)
        self.cell = Cell(macro, clock=self.clock)
        self.sdd = Sdd(macro, sample=sample, cell=self.cell, seed=seed)
        self.acquisition.gated.append(self.sdd.publish)
        self.pilatus = Pilatus(macro, clock=self.clock, phases=sample.phases, seed=seed, scene=self.scene)

    def state(self) -> BeamlineState:
        """What the sample experiences now."""
        mono = self.monochromator
        return BeamlineState(
            energy_ev=mono.energy_ev + mono.seating.offset_ev + self._beam.calibration_offset_ev,
            delay_ps=self.timing.delay_ps,
            laser_horizontal_um=self.laser.horizontal.position - self._beam.laser_horizontal_um,
            laser_vertical_um=self.laser.vertical.position - self._beam.laser_vertical_um,
            fluence_mj_cm2=self.laser.fluence_mj_cm2,
            laser_shutter_open=self.laser.shutter_open,
            laser_locked=self.laser.locked,
            xray_shutter_open=self.environment.xray_shutter_open,
            jet_running=self.environment.jet_running and not self.cell.in_beam,
            rate_divider=self.laser.rate_divider.value,
        )

    def scene(self) -> Scene:
        """What the area detector has in front of it now."""
        flux = self.experiment.ring.current_ma(self.experiment.time_s) / self.experiment.ring.full_ma
        return Scene(
            energy_ev=self.state().energy_ev,
            temperature_c=self.cell.temperature_c,
            flux=flux if self.environment.xray_shutter_open else 0.0,
            powder_in_beam=self.cell.in_beam,
        )

    @property
    def pvdb(self) -> dict[str, Any]:
        """Every PV by its full name."""
        groups = (self.monochromator, self.timing, self.laser, self.environment, self.acquisition, self.cell, self.sdd,
                  self.pilatus)  # fmt: skip
        return {name: pv for group in groups for name, pv in group.pvdb.items()}
