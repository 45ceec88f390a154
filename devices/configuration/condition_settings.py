"""Tables of further conditions, `[conditions.NAME]`: a PV that must stay within limits while points are measured."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated

from pydantic.dataclasses import dataclass

from devices.configuration.fields import DAY_S, SETTINGS, Fault, Pv, ascending, quantity, switch, text


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class ConditionSettings:
    """A PV that must stay from `low` to `high`, in `unit`; a scan waits until it has been there for `settle_s`.

    While it fails the shutters are closed, unless `closes` is false. NAME is its name in the `quality` of events.
    """

    pv: Pv
    low: Annotated[float, quantity("lowest good value, in the unit of the PV")] = -1e300
    high: Annotated[float, quantity("highest good value, in the unit of the PV")] = 1e300
    unit: Annotated[str, text("unit of the PV")] = ""
    settle_s: Annotated[float, quantity("time for which it must stay within limits", "s", low=0.0, high=DAY_S)] = 1.0
    closes: Annotated[bool, switch("close the shutters while it fails")] = True

    @property
    def limits(self) -> tuple[float, float]:
        """Lowest and highest good value, in the unit of the PV; infinite where the table gives none."""
        low = -math.inf if self.low <= -1e300 else self.low
        return low, math.inf if self.high >= 1e300 else self.high

    def faults(self, table: str = "conditions") -> Iterable[Fault]:
        """Yield a fault if the limits of the table named `table` leave no value, or are missing."""
        if self.low != self.high:
            yield from ascending(table, "low", self.low, "high", self.high, self.unit)
        if self.limits == (-math.inf, math.inf):
            yield Fault(table=table, key="low", message="is missing, and so is high. Give at least one of them.")
