"""Laser timing: delay generator (coarse) and digital phase shifter (fine), both raw axes with a far time zero."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from caproto.server import PVGroup, pvproperty

from sim.clock import BeamClock
from sim.errors import SimulationInputError
from sim.ioc.records.fields import post
from sim.physics.sample import Beam

TIME_ZERO_RAW_PS = 169_780.0
"""Sum of both raw axes at which laser and X-rays met at the real beamline (169.78 ns)."""

COARSE_MAX_S = 1e-6
FINE_MAX_PS = 12_800.0

COARSE_SETTLE_S = 0.02
FINE_SETTLE_S = 0.02
"""Beam time until the laser's phase has followed (chosen)."""

FINE_JUMP_BELOW_PS = 2560.0
"""Setting of the phase shifter below which the real one jumped by 40 ps."""

FINE_AT_ZERO_PS = 3_780.0
"""Share of the phase shifter in the raw time zero; a wrong sign mirrors each axis about its share."""

COARSE_RESOLUTION_S = 5e-12
"""Step of the delay generator: 5 ps, as of the DG645."""


class Timing(PVGroup):
    """The raw delays: larger values fire the laser earlier, so that the X-rays come later after it.

    The errors of the hardware are those of `beam`: its time zero, the sign of each axis, and the jump of the phase
    shifter below 2560 ps.
    """

    coarse = pvproperty(
        name="7idd:DG1:ADelayAO", value=166_780e-12, record="ao", dtype=float, units="s", precision=12,
        lower_ctrl_limit=0.0, upper_ctrl_limit=COARSE_MAX_S, doc="Delay generator channel A, set",
    )  # fmt: skip
    coarse_readback = pvproperty(
        name="7idd:DG1:ADelayAI", value=166_780e-12, record="ai", dtype=float, units="s", precision=12,
        read_only=True, doc="Delay generator channel A, actual",
    )  # fmt: skip
    fine = pvproperty(
        name="7idd:digDelay1:setDelay", value=3_100.0, record="ao", dtype=float, units="ps", precision=2,
        lower_ctrl_limit=0.0, upper_ctrl_limit=FINE_MAX_PS, doc="Digital phase shifter, set",
    )  # fmt: skip
    fine_readback = pvproperty(
        name="7idd:digDelay1:actualDelay", value=3_100.0, record="ai", dtype=float, units="ps", precision=2,
        read_only=True, doc="Digital phase shifter, actual",
    )  # fmt: skip

    def __init__(
        self,
        prefix: str,
        *,
        clock: BeamClock,
        beam: Beam,
        **kwargs: Any,
    ) -> None:
        super().__init__(prefix, **kwargs)
        self._clock = clock
        self._beam = beam
        self._shown_jump_ps = 0.0
        self.interlock: Callable[[float], None] = lambda _: None
        """Raises SimulationInputError if the nominal delay, time zero as configured, must not be `nominal_ps`."""

    @property
    def delay_ps(self) -> float:
        """True pump-to-probe delay of probe 0, ps."""
        # Each raw delay counts from its share of the raw time zero, so that a wrong sign mirrors that axis about its
        # own zero and not about the sum. The read-backs show the shift of a jump fault; the true setting is without it.
        coarse_ps = self.coarse_readback.value * 1e12
        fine_ps = self.fine_readback.value - self._shown_jump_ps
        from_coarse = self._beam.coarse_sign * (coarse_ps - (TIME_ZERO_RAW_PS - FINE_AT_ZERO_PS))
        from_fine = self._beam.fine_sign * (fine_ps - FINE_AT_ZERO_PS)
        jump = self._beam.fine_jump_ps if fine_ps < FINE_JUMP_BELOW_PS else 0.0
        return float(from_coarse + from_fine + jump - self._beam.time_zero_ps)

    async def show_jump(self, jump_ps: float) -> None:
        """Shift the read-back of the phase shifter by `jump_ps`, ps; the fault itself changes the true delay."""
        setting_ps = self.fine_readback.value - self._shown_jump_ps
        self._shown_jump_ps = jump_ps
        await self.fine_readback.write(setting_ps + jump_ps)

    async def step(self, coarse_s: float, fine_ps: float) -> bool:
        """Set both raw delays, s and ps, at once, as the sequencer does; return whether one of them has changed.

        Their read-backs follow at once; the sequencer waits until the laser has followed. The sequencer has checked the
        delays before.
        """
        coarse_s = round(coarse_s / COARSE_RESOLUTION_S) * COARSE_RESOLUTION_S
        changed = (self.coarse_readback.value, self.fine_readback.value) != (coarse_s, fine_ps + self._shown_jump_ps)
        await post(self.coarse, coarse_s)
        await post(self.fine, fine_ps)
        await post(self.coarse_readback, coarse_s)
        await post(self.fine_readback, fine_ps + self._shown_jump_ps)
        return changed

    @coarse.putter  # type: ignore[no-redef]
    async def coarse(self, instance: Any, value: float) -> float:
        """Step the delay generator, s; put completion returns when the laser has followed, after 20 ms of beam.

        Raises SimulationInputError beyond 0 to 1 us, or if the sum of both delays is not permitted.
        """
        if not 0 <= value <= COARSE_MAX_S:
            raise SimulationInputError(f"coarse delay {value:g} s is outside 0 to {COARSE_MAX_S:g} s")
        self.interlock(value * 1e12 + self.fine.value - TIME_ZERO_RAW_PS)
        await self._clock.sleep(COARSE_SETTLE_S)
        await self.coarse_readback.write(round(value / COARSE_RESOLUTION_S) * COARSE_RESOLUTION_S)
        return value

    @fine.putter  # type: ignore[no-redef]
    async def fine(self, instance: Any, value: float) -> float:
        """Turn the phase shifter, ps; put completion returns when the laser has followed, after 20 ms of beam.

        Raises SimulationInputError beyond 0 to 12 800 ps, or if the sum of both delays is not permitted.
        """
        if not 0 <= value <= FINE_MAX_PS:
            raise SimulationInputError(f"fine delay {value:g} ps is outside 0 to {FINE_MAX_PS:g} ps")
        self.interlock(self.coarse.value * 1e12 + value - TIME_ZERO_RAW_PS)
        await self._clock.sleep(FINE_SETTLE_S)
        await self.fine_readback.write(value + self._shown_jump_ps)
        return value
