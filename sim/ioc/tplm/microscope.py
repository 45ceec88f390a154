"""The whole simulated microscope: every PV group around one film."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sim.clock import BeamClock
from sim.faults.schedule import Schedule
from sim.ioc.channel_access.running_server import Network, Server
from sim.ioc.experiment import BuildOptions
from sim.ioc.records.after_write import after_write
from sim.ioc.safety.session_lock import SessionLock
from sim.ioc.tplm.cryostat import Cryostat
from sim.ioc.tplm.disturbances import Disturbances
from sim.ioc.tplm.exposure_log import MicroscopeLog
from sim.ioc.tplm.faults import MicroscopeDevices, MicroscopeFaults, StrikeLog
from sim.ioc.tplm.film_history import FilmHistory
from sim.ioc.tplm.laser import DiodeLaser
from sim.ioc.tplm.optics import STAGE_MOTORS, DetectionPath, DetectorStage, sample_stage
from sim.ioc.tplm.safety import LaserWatchdog
from sim.ioc.tplm.scene import Scene, Stretch
from sim.ioc.tplm.spectrograph import SpectrumCamera
from sim.ioc.tplm.tcspc import CHANNELS, Histogram, PhotonSource, PhotonTiming
from sim.physics.tplm.counting import blocked_pulses, draw
from sim.physics.tplm.forward import expected_per_pulse
from sim.physics.tplm.sample import Film
from sim.physics.tplm.setting import Setting, channels_of
from sim.physics.tplm.spectrum import Readout, draw_image, electrons_per_s
from sim.types import FloatArray, Image

STATION = "tplm"

FOCUS_DRIFT_UM_K = 0.02
"""Motion of the sample along the beam with temperature, um/K (chosen: tens of nm per K need refocusing)."""

ROOM_K = 296.0


class SimulatedMicroscope:
    """All PVs of a microscope with `film` under its objective, as the `options` describe it.

    Raises SimulationInputError for a fault of the schedule that this microscope cannot have.
    """

    def __init__(
        self,
        film: Film,
        options: BuildOptions,
    ) -> None:
        macro = options.macro
        self.film = film
        self._macro = macro
        self.clock = BeamClock(options.speed)
        self._random = np.random.default_rng([options.seed, options.restarts, 22])
        self.disturbances = Disturbances(macro)
        share = self.disturbances.power_share
        # The laser and the electronics ask for what they need by functions: the groups of records know nothing of each
        # other, and all meet here.
        self.laser = DiodeLaser(macro, clock=self.clock, seed=options.seed, power_share=lambda: float(share.value))
        self.detector_stage = DetectorStage(macro, clock=self.clock)
        self.sample_stage = sample_stage(macro, clock=self.clock)
        self.path = DetectionPath(macro, clock=self.clock)
        self.cryostat = Cryostat(macro, clock=self.clock)
        self.film_history = FilmHistory.continued(options.exposure_log) if options.restarts else FilmHistory()
        counting = PhotonSource(
            scene=self.scene,
            histogram=self.histogram,
            rate_hz=self.photon_rate_hz,
            sync_hz=self.sync_hz,
            log=MicroscopeLog(options.exposure_log, self.film_history),
        )
        self.timing = PhotonTiming(macro, clock=self.clock, counting=counting)
        # Random numbers of its own: the counts of maps are the same whether or not spectra were taken before.
        self._camera_noise = np.random.default_rng([options.seed, options.restarts, 23])
        self.spectrograph = SpectrumCamera(
            macro, clock=self.clock, scene=self.scene, light=self._electrons, draw=self._spectrum
        )
        self.lock = SessionLock(macro, station=STATION)
        self.safety = LaserWatchdog(macro, laser=self.laser, lock=self.lock)
        self.targets = self._targets()
        self.faults = self._faults(options.schedule)
        # A planned fault may name any record, those of the faults included: all of them are there by now.
        for planned in options.schedule.faults:
            planned.fault.check(self.targets)
        self._connect_changes()

    def _faults(self, schedule: Schedule) -> MicroscopeFaults:
        """Return the switches of faults, of which those of `schedule` strike by themselves."""
        return MicroscopeFaults(
            self._macro,
            clock=self.clock,
            history=StrikeLog(self.clock),
            targets=self.targets,
            refresh=self.laser.show_power,
            schedule=schedule,
        )

    def _targets(self) -> MicroscopeDevices:
        stage = {motor: self.detector_stage.motors[name] for name, motor in STAGE_MOTORS.items()}
        return MicroscopeDevices(
            macro=self._macro,
            known_pv=lambda name: name.partition(".")[0] in self.pvdb,
            disturbances=self.disturbances,
            laser=self.laser,
            cryostat=self.cryostat,
            motors=stage,
        )

    def _connect_changes(self) -> None:
        """Note changes that affect an exposure as soon as they happen; motors are noted by their read-backs."""
        laser = self.laser
        path = self.path
        motors = [*self.detector_stage.motors.values(), *self.sample_stage.values()]
        channels = (laser.shutter_readback, laser.power_readback, laser.rate, laser.source, laser.emission,
                    path.density_readback, path.mirror_readback, path.filters_readback, self.cryostat.sample,
                    *(motor.record.fields["RBV"] for motor in motors))  # fmt: skip
        for channel in channels:
            after_write(channel, self._note)
        for channel in (laser.rate, laser.emission, self.timing.divider):
            after_write(channel, self.timing.show_rates)
        wrong = self.disturbances
        after_write(wrong.power_share, laser.show_power)
        for channel in (wrong.ambient_hz, wrong.vibration_nm, wrong.flood_hz, wrong.backlash_um, wrong.spot_jump_nm,
                        wrong.afterpulse_share):  # fmt: skip
            after_write(channel, self._note)
        for channel in (wrong.emission_off, wrong.frame_stale, wrong.stage_stalled):
            after_write(channel, self._disturb)

    def _note(self) -> None:
        """Let exposures of both detectors note a change."""
        self.timing.note()
        self.spectrograph.record.note()

    async def _disturb(self) -> None:
        """Let the devices follow the switches of the disturbances."""
        wrong = self.disturbances
        self.timing.fault_stale = wrong.frame_stale.value == "Yes"
        for motor in self.detector_stage.motors.values():
            motor.fault_stalled = wrong.stage_stalled.value == "Yes"
        # Written only when it changes: every write cuts the running exposure into one more stretch.
        emission = "Off" if wrong.emission_off.value == "Yes" else "On"
        if self.laser.emission.value != emission:
            await self.laser.emission.write(emission)

    def sync_hz(self) -> float:
        """Return the rate of the laser's pulses, Hz; 0 while it does not emit."""
        return float(self.laser.rate.value) * 1e6 if self.laser.emits else 0.0

    def scene(self) -> Scene:
        """Return what the detector sees now: the true state of the hardware, not what its read-backs show."""
        magnification = self.film.image.magnification
        wrong = self.disturbances
        # An image that has jumped is seen as a detector that stands elsewhere: only their distance counts.
        stage_um = 1e3 * self.detector_stage.true_mm("x") + float(wrong.backlash_um.value)
        return Scene(
            setting=self._setting(),
            x_um=stage_um / magnification - 1e-3 * float(wrong.spot_jump_nm.value),
            y_um=1e3 * self.detector_stage.true_mm("y") / magnification,
            sync_hz=self.timing.measured_sync_hz(),
            light=self.path.light,
        )

    def _setting(self) -> Setting:
        # Positions and temperature are rounded: a change below these steps changes no count, and each new setting costs
        # a new computation of the decay.
        laser = self.laser
        temperature_k = round(self.cryostat.temperature_k, 1)
        focus_um = self.sample_stage["z"].position - FOCUS_DRIFT_UM_K * (temperature_k - ROOM_K)
        return Setting(
            power_nw=round(laser.power_nw, 6),
            repetition_rate_mhz=float(laser.rate.value),
            external_trigger=laser.source.value == "External",
            shutter_open=laser.shutter_open and laser.emits,
            filters_in=self.path.filters_in,
            nd_od=float(self.path.density_readback.value),
            temperature_k=temperature_k,
            defocus_um=round(focus_um, 2),
            offset_ps=float(self.timing.offset.value),
            ambient_hz=float(self.disturbances.ambient_hz.value),
            vibration_nm=float(self.disturbances.vibration_nm.value),
            flood_hz=float(self.disturbances.flood_hz.value),
            afterpulse_share=float(self.disturbances.afterpulse_share.value),
        )

    def histogram(self, stretches: Sequence[Stretch]) -> Histogram:
        """Draw the counts of an exposure from its stretches; its channels cover one pump period of the last stretch."""
        # Without pulses at the sync input nothing starts the clock, so there are no counts. A stretch at another rate
        # has another number of channels: of those, only the ones that both have are kept.
        self.film_history.expose(stretches, (self.sample_stage["x"].position, self.sample_stage["y"].position))
        channels = min(channels_of(stretches[-1].scene.setting, self.timing.bin_ps), CHANNELS)
        # Stretches are drawn one after the other, each with the light of its own scene. Their sum is exact, as the
        # counts of different pulses are independent; only a dead time over the border of two stretches is left out.
        counts = np.zeros(channels, dtype=np.int64)
        pulses = 0
        for one in stretches:
            here = round(one.scene.sync_hz * one.seconds)
            if here:
                drawn = self._draw(one.scene, here)[:channels]
                counts[: len(drawn)] += drawn
            pulses += here
        return Histogram(counts=np.minimum(counts, 65_535), sync_pulses=pulses)

    def _draw(self, scene: Scene, sync_pulses: int) -> Any:
        blocked = blocked_pulses(self.film.timing.dead_time_ns, scene.setting.period_ns)
        return draw(self._random, self._expected(scene), sync_pulses=sync_pulses, blocked=blocked)

    def _expected(self, scene: Scene) -> FloatArray:
        """Return the photons per pulse and channel in a scene."""
        film = self.film
        if film.timing.bin_ps != self.timing.bin_ps:
            film = replace(film, timing=replace(film.timing, bin_ps=self.timing.bin_ps))
        setting = replace(scene.setting, dose_nw_s=self.film_history.dose_nw_s, shutter_open=scene.setting.shutter_open)
        if not scene.light:
            setting = replace(setting, shutter_open=False)
        return expected_per_pulse(
            film, setting, x_um=scene.x_um, y_um=scene.y_um, elapsed_s=self.film_history.exposed_s
        )

    def _electrons(self, stretches: Sequence[Stretch], centre_nm: float) -> FloatArray:
        """Return the mean electrons of each column of the camera in an exposure; it sees the light of the mirror."""
        # The photon timing exposes with every spectrum, and its exposure counts the dose: here it would count twice.
        seen = [
            one.seconds * electrons_per_s(self.film, self._reflected(one.scene), centre_nm=centre_nm)
            for one in stretches
        ]
        return np.asarray(np.sum(seen, axis=0))

    def _reflected(self, scene: Scene) -> Setting:
        # The mirror is either in the path or not, so what does not reach the detector reaches the spectrograph.
        lit = scene.setting.shutter_open and scene.light < 1.0
        return replace(scene.setting, dose_nw_s=self.film_history.dose_nw_s, shutter_open=lit)

    def _spectrum(self, electrons: FloatArray, readout: Readout) -> Image:
        return draw_image(self._camera_noise, self.film, electrons, readout)

    def photon_rate_hz(self) -> float:
        """Return the rate of photons that the detector sees now, Hz."""
        scene = self.scene()
        return float(self._expected(scene).sum()) * scene.sync_hz if scene.sync_hz else 0.0

    def serve_through(self, network: Network, restart: Callable[[float, bool], None]) -> None:
        """Let faults act on the running server; `restart` takes the dead time, s, and whether to change the port."""
        self.targets.server = Server(network=network, restart=restart)

    @property
    def title(self) -> str:
        """Name of what is under the objective."""
        return self.film.name

    @property
    def pvdb(self) -> dict[str, Any]:
        """Every PV by its full name."""
        motors = (*self.detector_stage.motors.values(), *self.sample_stage.values())
        others = (self.disturbances, self.laser, self.path, self.cryostat, self.timing, self.spectrograph, self.lock,
                  self.safety)  # fmt: skip
        groups: tuple[Any, ...] = (*motors, *others, self.faults)
        return {name: pv for group in groups for name, pv in group.pvdb.items()}
