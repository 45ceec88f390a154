"""Actions of faults on the simulated devices and on the server, beyond the state of the beamline."""

from __future__ import annotations

from typing import Protocol


class ServerTargets(Protocol):
    """The server as faults see it, of any experiment."""

    def has_pv(self, pv: str) -> bool:
        """Return whether there is a record, or a field of one, of that name without the macro."""

    async def hide_pv(self, pv: str) -> None:
        """Disconnect a record; "" reconnects it. Raises SimulationInputError before the server runs."""

    def mute_monitors(self, pv: str) -> None:
        """Stop the monitors of a record, or of all for ""; raises SimulationInputError before the server runs."""

    async def unmute_monitors(self) -> None:
        """Send monitors again; raises SimulationInputError before the server runs."""

    def freeze_server(self, wall_s: float) -> None:
        """Stop the whole server for `wall_s` seconds of wall time."""

    def kill_server(self, wall_s: float, *, other_port: bool) -> None:
        """End the server, and restart it after `wall_s` seconds of wall time (infinite: never)."""


class FaultTargets(ServerTargets, Protocol):
    """The devices and the server as faults see them; `sim.ioc` implements it."""

    def stick_laser_shutter(self, *, stuck: bool) -> None:
        """Make the laser shutter ignore writes, or obey them again."""

    async def revoke_xray_permit(self) -> None:
        """Revoke the permit of the X-ray interlock, which closes the shutter."""

    async def grant_xray_permit(self) -> None:
        """Grant the permit again; the shutter stays closed."""

    async def show_delay_jump(self, jump_ps: float) -> None:
        """Shift the read-back of the phase shifter by `jump_ps`, ps; 0 ends it."""

    def stall_motor(self, motor: str, *, hangs: bool) -> None:
        """Block a motor, named without the macro; with `hangs` it never reports the end of a move.

        Raises KeyError for a motor that the beamline lacks, as `free_motor` does.
        """

    def free_motor(self, motor: str) -> None:
        """Let a motor move again; raises KeyError for a motor that the beamline lacks."""

    def stick_scalers(self, *, stuck: bool) -> None:
        """Make counting continue until it is stopped, or end after the preset seconds again."""

    def freeze_frames(self, detector: str) -> None:
        """Leave the frames of "spc", "boxcar" or "both" at the counts of the previous exposure; "" ends it."""

    def heat_cell(self, c_per_min: float) -> None:
        """Heat the cell at this rate, C per minute, despite its setpoint; 0 ends it."""

    def swing_cell(self, amplitude_c: float, period_s: float) -> None:
        """Make the temperature of the cell oscillate, amplitude in C and period in s; amplitude 0 ends it."""

    def hang_pilatus(self, *, hangs: bool) -> None:
        """Make the area detector hang in its acquisition, or work again."""

    def fill_disk(self, *, full: bool) -> None:
        """Make writing images fail as on a full disk, or succeed again."""


class MicroscopeTargets(ServerTargets, Protocol):
    """The devices of the microscope as faults see them."""

    async def disturb(self, name: str, value: float | str) -> None:
        """Write the switch of a disturbance, in its unit; its usual value ends it."""

    async def change_rate(self, rate_mhz: float) -> None:
        """Set the repetition rate of the laser, MHz, at the laser alone."""

    async def restore_rate(self) -> None:
        """Set the rate before `change_rate`, unless somebody has set another one since."""

    def swing_cryostat(self, amplitude_k: float, period_s: float) -> None:
        """Make the temperature of the sample oscillate, amplitude in K and period in s; amplitude 0 ends it."""

    def stall_motor(self, motor: str, *, hangs: bool) -> None:
        """Block a motor, named without the macro; with `hangs` it never reports the end of a move."""

    def free_motor(self, motor: str) -> None:
        """Let a motor move again."""
