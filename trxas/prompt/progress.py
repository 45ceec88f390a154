"""Display of a running scan at the prompt: a bar with the remaining time, and a line per exposure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from reduction.events import events_of
from reduction.kinds import OTHER, kind_of
from reduction.pileup import true_counts
from trxas.results.live_run import PrimaryStream, is_pump_probe
from trxas.terminal.progress_line import PROGRESS

COLUMNS = ("scan", "point", "value", "laser", "on", "off", "on/off-1", "i0", "quality")
HEADER = "{:>4} {:>5} {:>12} {:>6} {:>10} {:>10} {:>9} {:>10}  {}".format(*COLUMNS)


class ScanProgress:
    """A progress bar over the exposures of a run, with the remaining time."""

    def __init__(self) -> None:
        self._primary = PrimaryStream()

    def __call__(self, name: str, doc: Mapping[str, Any]) -> None:
        """Take one document of a run."""
        # A run has other streams besides its exposures: a suspension makes events too, without counts. They differ in
        # their descriptors, since an event itself does not say to which stream it belongs.
        is_exposure = self._primary.has(name, doc)
        if name == "start" and "num_points" in doc:
            label = f"{doc['plan_name']} {doc.get('edge', '')}".strip()
            PROGRESS.begin(label, int(doc["num_points"]), "exposures")
        elif is_exposure:
            PROGRESS.advance(1 if name == "event" else len(doc["seq_num"]))
        elif name == "event" and "suspended" in doc["data"]:
            PROGRESS.remark("suspended" if doc["data"]["suspended"] else "")
        elif name == "stop":
            PROGRESS.end()


def _scanned_axis(grid: Mapping[str, Any]) -> str:
    """Return the event field of the scanned axis; of several axes that is the last one, which is the fastest."""
    return str(grid["axis"] if "axis" in grid else grid["axes"][-1])


class LiveTable:
    """A line per exposure: photons per pulse of the pumped and the unpumped gates, pile-up corrected, all APDs.

    If the kind of run provides its own text for an exposure, the line shows that text instead.
    """

    def __init__(self) -> None:
        self._axis = ""
        self._kind = OTHER
        self._on = 0
        self._off: list[int] = []
        self._primary = PrimaryStream()

    def __call__(self, name: str, doc: Mapping[str, Any]) -> None:
        """Take one document of a run."""
        is_exposure = self._primary.has(name, doc)
        if name == "start":
            self._kind = kind_of(doc)
            self._axis = ""
        # A kind with words of its own replaces the table; other runs than pump-probe scans have no line at all.
        if self._kind.exposure_text is not None:
            self._write_text(name, doc, is_exposure=is_exposure)
        elif name == "start" and is_pump_probe(doc):
            self._axis = _scanned_axis(doc["grid"])
            reduction = doc["reduction"]
            self._on = reduction["pumped_probe"]
            self._off = reduction.get("reference_probes", [reduction["unpumped_probe"]])
            PROGRESS.write(f"{HEADER}\n{self._axis:>23}")
        elif is_exposure and self._axis:
            # Of a page, which holds what a sequencer counted in a tenth of a second, the last exposure is enough.
            *_, last = events_of(name, dict(doc))
            PROGRESS.write(self._line(last["data"]))
        elif name == "stop":
            self._axis = ""

    def _write_text(self, name: str, doc: Mapping[str, Any], *, is_exposure: bool) -> None:
        """Write the line of an exposure as its kind of run words it, with the scanned value if there is one."""
        if name == "start":
            grid = doc.get("grid", {})
            self._axis = _scanned_axis(grid) if grid else ""
            PROGRESS.write(f"{'scan':>4} {'point':>5} {self._axis:>18}")
        elif is_exposure and self._kind.exposure_text is not None:
            *_, last = events_of(name, dict(doc))
            data = last["data"]
            value = f"{data[self._axis]:18.3f}" if self._axis in data else f"{'':>18}"
            state = f"bad: {data['quality']}" if data.get("quality") else self._kind.exposure_text(data)
            PROGRESS.write(f"{data['scan_index']:4d} {data['point_index']:5d} {value}  {state}")

    def _line(self, data: Mapping[str, Any]) -> str:
        pulses = np.asarray(data["spc_pulses"])
        counts = np.asarray(data["spc_counts"])
        head = f"{data['scan_index']:4d} {data['point_index']:5d} {data[self._axis]:12.3f}"
        laser = {1: "open", 0: "closed"}.get(data["laser_shutter"], "moved")
        if data["quality"]:
            return f"{head} {laser:>6} {'':>10} {'':>10} {'':>9} {data['i0']:10.4g}  bad: {data['quality']}"
        rates = true_counts(counts, pulses).sum(axis=0) / pulses
        on = rates[self._on]
        off = rates[self._off].mean()
        change = f"{on / off - 1:9.4%}" if off > 0 else f"{'-':>9}"
        return f"{head} {laser:>6} {on:10.6f} {off:10.6f} {change} {data['i0']:10.4g}  good"
