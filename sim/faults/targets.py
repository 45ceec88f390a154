"""What faults can do to the simulated devices and to the server, beyond the state of the beamline."""

from __future__ import annotations

from typing import Protocol


class FaultTargets(Protocol):
    """The devices and the server as faults see them; `sim.ioc` implements it."""

    def stick_laser_shutter(self, *, stuck: bool) -> None:
        """Have the laser shutter ignore what is written to it, or obey again."""

    async def revoke_xray_permit(self) -> None:
        """Take the permit of the X-ray interlock away, which closes the shutter."""

    async def grant_xray_permit(self) -> None:
        """Give the permit back; the shutter stays closed."""

    async def show_delay_jump(self, jump_ps: float) -> None:
        """Shift the read-back of the phase shifter by `jump_ps`; 0 ends it."""

    def stall_motor(self, motor: str, *, hangs: bool) -> None:
        """Block a motor, named without the macro; with `hangs` it never reports the end of a move."""

    def free_motor(self, motor: str) -> None:
        """Let a motor move again."""

    def stick_scalers(self, *, stuck: bool) -> None:
        """Have counting go on without end until it is stopped, or end as set again."""

    def freeze_frames(self, detector: str) -> None:
        """Keep the frames of "spc", "boxcar" or "both" as they are; "" ends it."""

    def heat_cell(self, c_per_min: float) -> None:
        """Heat the cell at this rate, whatever is set; 0 ends it."""

    def swing_cell(self, amplitude_c: float, period_s: float) -> None:
        """Have the temperature of the cell oscillate; amplitude 0 ends it."""

    def hang_pilatus(self, *, hangs: bool) -> None:
        """Have the area detector hang in its acquisition, or work again."""

    def fill_disk(self, *, full: bool) -> None:
        """Leave no room for images, or some again."""

    def has_pv(self, pv: str) -> bool:
        """Return whether there is a record, or a field of one, of that name without the macro."""

    async def hide_pv(self, pv: str) -> None:
        """Disconnect a record; "" reconnects it."""

    def mute_monitors(self, pv: str) -> None:
        """Stop the monitors of a record, or of all records for ""."""

    async def unmute_monitors(self) -> None:
        """Send monitors again."""

    def freeze_server(self, wall_s: float) -> None:
        """Stop the whole server for `wall_s` seconds of wall time."""

    def kill_server(self, wall_s: float, *, other_port: bool) -> None:
        """End the server, and restart it after `wall_s` seconds of wall time (infinite: never)."""
