"""Steps of the tests of faults over Channel Access: expose, strike, read."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.support.waiting import WAIT_S, until


@dataclass(frozen=True)
class Counts:
    """One exposure as the PVs show it."""

    exposure_id: int
    exposure_s: float
    shutter: float
    pulses: np.ndarray
    counts: np.ndarray
    boxcar_id: int
    i0: float


class FaultBench:
    """A simulated beamline under `macro`, asked past all monitors."""

    def __init__(self, macro: str, get: Callable[[str], Any], put: Callable[..., None]) -> None:
        self.macro, self._get, self._put = macro, get, put

    def get(self, name: str) -> Any:
        """Value of a PV, now."""
        return self._get(self.macro + name)

    def text(self, name: str) -> str:
        """Long text of a PV."""
        return bytes(np.asarray(self.get(name), dtype=np.uint8)).split(b"\0")[0].decode()

    def put(self, name: str, value: Any, *, wait: bool = True) -> None:
        """Write and wait for completion; without `wait` to stop an earlier write, which would have to end before."""
        self._put(self.macro + name, value, wait=wait)

    def start(self, name: str, value: Any) -> threading.Event:
        """Write without waiting; the event is set at completion."""
        import epics

        pv, done = epics.PV(self.macro + name, auto_monitor=False), threading.Event()
        assert pv.wait_for_connection(WAIT_S)
        pv.put(value, callback=lambda **_: done.set())
        return done

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Ask again and again until `condition` holds."""
        until(condition, what)

    @contextlib.contextmanager
    def struck(self, kind: str, seconds: float = 1e6, **parameters: Any) -> Iterator[None]:
        """A fault, for the time of the context."""
        for name, value in parameters.items():
            self.put(f"7idd:sim:Fault:{kind}:{name}", value)
        self.put(f"7idd:sim:Fault:{kind}", seconds)
        try:
            assert kind in self.text("7idd:sim:FaultsActive").split(", "), f"{kind} did not strike"
            assert self.get(f"7idd:sim:Fault:{kind}:Active") == 1
            yield
        finally:
            self.put(f"7idd:sim:Fault:{kind}", 0.0)
        assert self.get(f"7idd:sim:Fault:{kind}:Active") == 0

    def expose(self, seconds: float) -> Counts:
        """Count for `seconds` of beam."""
        self.put("7idd:scaler1.TP", seconds)
        self.put("7idd:scaler1.CNT", 1)
        return self.counts()

    def counts(self) -> Counts:
        """The latest exposure."""
        frame, boxcar = np.asarray(self.get("amofg1a:spc:Frame")), np.asarray(self.get("7idb:boxcar:Frame"))
        return Counts(
            int(frame[0]), frame[1], frame[2], frame[5:10], frame[10:20], int(boxcar[0]), self.get("7idd:scaler1.S2")
        )

    def open_shutters(self) -> None:
        """Laser and X-rays on."""
        for name in ("7idd:xrayShutter:Set", "7idd:laser:Shutter"):
            self.put(name, 1)
        assert self.shutters() == (1, 1)

    def shutters(self) -> tuple[int, int]:
        """Read-backs of laser and X-ray shutter."""
        return self.get("7idd:laser:ShutterStatus"), self.get("7idd:xrayShutter:Status")
