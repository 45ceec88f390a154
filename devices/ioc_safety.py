"""Watchdog and lock in the IOC: protection of people and sample, and the session that may write."""

from __future__ import annotations

from ophyd import Device, EpicsSignal
from ophyd import FormattedComponent as FCpt

from devices.configuration import HolderSettings, SafetySettings
from devices.signals.uncached_signal import FreshSignalRO, put_and_wait, read_together

TRIPPED = "Tripped"

STATES = ("OK", "JetStopped", TRIPPED)
"""States of the IOC's guard; when tripped, no shutter opens until it is reset."""


class HeartbeatDevice(Device):
    """A part of the IOC that acts when the `heartbeat` of a session is missing for `limit_s`, a PV in seconds."""

    heartbeat = FCpt(EpicsSignal, "{_prefix}{_settings.heartbeat}", kind="omitted")
    limit_s = FCpt(FreshSignalRO, "{_prefix}{_settings.timeout}", kind="omitted")

    def __init__(self, settings: SafetySettings | HolderSettings, *, prefix: str, name: str) -> None:
        self._settings = settings
        self._prefix = prefix
        super().__init__("", name=name)


class Safety(HeartbeatDevice):
    """Watchdog of the IOC: armed by the first heartbeat, it closes both shutters when heartbeats end."""

    disarm = FCpt(EpicsSignal, "{_prefix}{_settings.disarm}", kind="omitted")
    reset = FCpt(EpicsSignal, "{_prefix}{_settings.reset}", kind="omitted")
    status = FCpt(FreshSignalRO, "{_prefix}{_settings.status}", kind="omitted")

    def __init__(self, settings: SafetySettings, *, prefix: str, name: str) -> None:
        super().__init__(settings, prefix=prefix, name=name)

    @property
    def state(self) -> str:
        """State of the guard, one of STATES, requested from the IOC; raises NotConnectedError if unanswered."""
        return STATES[int(read_together({"status": self.status})["status"])]

    def trip_remark(self) -> str:
        """Return a sentence on what has tripped and what to do about it; empty while the guard is not tripped.

        Raises NotConnectedError if the IOC does not answer.
        """
        if self.state != TRIPPED:
            return ""
        return (
            f"the watchdog has tripped ({self.status.pvname} = {TRIPPED}) and holds both shutters closed: find out "
            f"why, search the hutch if necessary, then write 1 to {self.reset.pvname}, call session.reset_safety() at "
            "the prompt, or run the plan reset_safety in the queue"
        )

    def lift(self) -> str:
        """Reset a trip and return the state afterwards; the shutters stay closed.

        Raises NotConnectedError if the IOC does not answer.
        """
        put_and_wait(self.reset, 1)
        return self.state


class SessionLock(HeartbeatDevice):
    """The IOC's lock: the one session that may write, and its heartbeat."""

    text = FCpt(EpicsSignal, "{_prefix}{_settings.holder}", kind="omitted")
    text_readback = FCpt(FreshSignalRO, "{_prefix}{_settings.holder}", kind="omitted")
    heartbeat_readback = FCpt(FreshSignalRO, "{_prefix}{_settings.heartbeat}", kind="omitted")

    def __init__(self, settings: HolderSettings, *, prefix: str, name: str) -> None:
        super().__init__(settings, prefix=prefix, name=name)

    def held_by(self) -> tuple[str, int]:
        """Return the session that holds the beamline ("" for none) and the number of its latest heartbeat.

        Both are requested from the IOC; raises NotConnectedError if it does not answer.
        """
        values = read_together({"text": self.text_readback, "heartbeat": self.heartbeat_readback})
        return str(values["text"]), int(values["heartbeat"])

    def claim(self, text: str) -> str:
        """Claim the beamline for `text` and return the session that holds it then, as a refusal is silent.

        Raises NotConnectedError if the IOC does not answer.
        """
        put_and_wait(self.text, text)
        return self.held_by()[0]

    def release(self) -> None:
        """Release the lock, if this client holds it; raises NotConnectedError if the IOC does not answer."""
        put_and_wait(self.text, "")
