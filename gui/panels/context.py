"""Facts about the beamline that the window has when it creates its panels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gui.status.item import StatusItem
from gui.status.monitors import StatusSource
from reduction.powder.diffraction import DetectorGeometry


@dataclass(frozen=True, kw_only=True)
class PanelContext:
    """Facts of the beamline that some panels need.

    `items`: lines of the device status, whose values come from `source`, None without a control system. `geometry`: of
    the area detector, for runs that do not record it; None for the default. `techniques`: those of the beamline, which
    alone have panels; all of them if there are none.
    """

    items: Sequence[StatusItem] = ()
    source: StatusSource | None = None
    geometry: DetectorGeometry | None = None
    techniques: Sequence[str] = ()
