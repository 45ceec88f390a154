"""The storage ring as the source of all times: its RF frequency, the bunch period, and the pump scheme that follows."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ophyd import Device
from ophyd import FormattedComponent as FCpt

from devices.absent import class_without
from devices.bunch_period import BunchPeriod, PeriodSource, period_from_rf
from devices.configuration import BeamlineConfiguration
from devices.pump_scheme import PumpScheme
from devices.signals.uncached_signal import FreshSignalRO, read_with_alarms
from errors import NotConnectedError

SOURCE_TEXTS: Mapping[str, str] = {
    PeriodSource.CONFIGURATION.value: "as configured, neither measured nor from the RF frequency",
    PeriodSource.MEASURED.value: "as measured",
    PeriodSource.RF.value: "from the RF frequency",
}
"""Sources of a bunch period in words."""


class Ring(Device):
    """The storage ring: the bunch period by its RF frequency, by a measurement, or as configured.

    The first of the three that is known and fits the fill pattern is used. A measured period that belongs to another
    fill pattern stays saved, and is used again when that pattern is.
    """

    rf_frequency = FCpt(FreshSignalRO, "{_prefix}{_settings.rf_frequency}", auto_monitor=True)

    def __init__(self, configuration: BeamlineConfiguration, *, prefix: str, name: str) -> None:
        self._settings = configuration.surroundings
        self._prefix = prefix
        self._scheme = configuration.scheme
        self._buckets_per_bunch = configuration.buckets_per_bunch
        self.configured = configuration.bunch_period
        self.calibrated: BunchPeriod = self.configured
        super().__init__("", name=name)

    def current_period(self) -> BunchPeriod:
        """Return the period in use, ps, with its source; the RF frequency is requested from its server.

        An RF frequency that is not connected, in INVALID alarm, or does not fit the ring is ignored; the source then
        shows this.
        """
        # The RF first: it is known to 1e-6, a self-test to some ps, of which the scale of the coarse delay is a part.
        return self._by_rf() or self._calibrated_here()

    def current_scheme(self) -> PumpScheme:
        """Return the gates and pumps of the configured scheme, ps, with the period in use."""
        return self._scheme.with_bunch_period(self.current_period().period_ps)

    def _calibrated_here(self) -> BunchPeriod:
        # A data folder may serve several fill patterns in turn; a period that was measured in another one waits there.
        return self.calibrated if self.calibrated.fits(self.configured) else self.configured

    def _by_rf(self) -> BunchPeriod | None:
        signal = self.rf_frequency
        if signal is None or not signal.connected:
            return None
        # Requested and not monitored, so that value and alarm belong together; once per run it costs nothing.
        try:
            frequency = read_with_alarms({"rf": signal})["rf"].number()
        except NotConnectedError:
            return None
        unit = str(signal.metadata.get("units") or "")
        if not math.isfinite(frequency):
            return None
        return period_from_rf(frequency, unit, self._buckets_per_bunch, self.configured)

    def state_text(self) -> str:
        """Return the period in use and its source as text, in ns, and why a served RF frequency is not used."""
        used = self.current_period()
        text = f"bunch period {1e-3 * used.period_ps:.7g} ns, {SOURCE_TEXTS[used.source]}"
        signal = self.rf_frequency
        if signal is None or self._by_rf() is not None:
            return text
        expected_mhz = 1e6 * self._buckets_per_bunch / self.configured.period_ps
        return f"{text}; {signal.pvname} is not used: it does not show about {expected_mhz:.6g} MHz"

    def configure(self, settings: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Set "bunch_period", a BunchPeriod in ps; return old and new values as bluesky expects.

        Raises KeyError for any other name.
        """
        old = self._configured()
        self.calibrated = settings["bunch_period"]
        return old, self._configured()

    def _configured(self) -> dict[str, Any]:
        return {"bunch_period": {"value": asdict(self.calibrated), "timestamp": time.time()}}


def ring_device(configuration: BeamlineConfiguration, prefix: str) -> Ring:
    """Return the ring, whose period is in ps, without its PV if the configuration names no RF frequency."""
    missing = [] if configuration.surroundings.rf_frequency else ["rf_frequency"]
    return class_without(Ring, missing)(configuration, prefix=prefix, name="ring")


def same_period(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether two bunch periods of start documents, ps, are the same within their errors."""
    return BunchPeriod(**one).agrees(BunchPeriod(**other))
