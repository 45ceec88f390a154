"""What guards people and sample in the IOC, and who may write: its PVs."""

from __future__ import annotations

from ophyd import Device, EpicsSignal
from ophyd import FormattedComponent as FCpt

from devices.configuration import HolderSettings, SafetySettings
from devices.signals.uncached_signal import FreshSignalRO, put_and_wait, read_together

STATES = ("OK", "JetStopped", "Tripped")
"""States of the IOC's guard; when tripped, no shutter opens until it is reset."""


class Safety(Device):
    """Watchdog of the IOC: without a heartbeat it closes both shutters. Armed by the first heartbeat."""

    heartbeat = FCpt(EpicsSignal, "{_prefix}{_settings.heartbeat}", kind="omitted")
    disarm = FCpt(EpicsSignal, "{_prefix}{_settings.disarm}", kind="omitted")
    reset = FCpt(EpicsSignal, "{_prefix}{_settings.reset}", kind="omitted")
    status = FCpt(FreshSignalRO, "{_prefix}{_settings.status}", kind="omitted")
    limit_s = FCpt(FreshSignalRO, "{_prefix}{_settings.timeout}", kind="omitted")

    def __init__(self, settings: SafetySettings, *, prefix: str, name: str) -> None:
        self._settings, self._prefix = settings, prefix
        super().__init__("", name=name)

    @property
    def state(self) -> str:
        """State of the guard, asked anew: one of STATES."""
        return STATES[int(read_together({"status": self.status})["status"])]

    def lift(self) -> str:
        """Lift a trip; the shutters stay closed. Returns the state then."""
        put_and_wait(self.reset, 1)
        return self.state


class Holder(Device):
    """The IOC's lock: the one session that may write, and its sign of life."""

    text = FCpt(EpicsSignal, "{_prefix}{_settings.holder}", kind="omitted")
    text_readback = FCpt(FreshSignalRO, "{_prefix}{_settings.holder}", kind="omitted")
    heartbeat = FCpt(EpicsSignal, "{_prefix}{_settings.heartbeat}", kind="omitted")
    heartbeat_readback = FCpt(FreshSignalRO, "{_prefix}{_settings.heartbeat}", kind="omitted")
    limit_s = FCpt(FreshSignalRO, "{_prefix}{_settings.timeout}", kind="omitted")

    def __init__(self, settings: HolderSettings, *, prefix: str, name: str) -> None:
        self._settings, self._prefix = settings, prefix
        super().__init__("", name=name)

    def look(self) -> tuple[str, int]:
        """Who holds the beamline ("" for nobody), and the number of the latest heartbeat, asked anew."""
        values = read_together({"text": self.text_readback, "heartbeat": self.heartbeat_readback})
        return str(values["text"]), int(values["heartbeat"])

    def write(self, text: str) -> str:
        """Claim for `text`, or release with ""; a refusal is silent, so who holds it then is returned."""
        put_and_wait(self.text, text)
        return self.look()[0]
