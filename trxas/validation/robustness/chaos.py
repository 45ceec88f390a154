"""The course of a chaos run: faults one after the other over scans in another process, then the undisturbed scans."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from storage import open_store
from trxas.channel_access import environment as channel_access
from trxas.configuration import load_configuration
from trxas.simulation import simulated_beamline
from trxas.validation.robustness.audit import Audit, Comparison, audit, chaos_datasets, compare
from trxas.validation.robustness.exposure_truth import Truth
from trxas.validation.robustness.fault_injector import Operator
from trxas.validation.robustness.fault_schedule import SESSION_KILL, PlannedFault
from trxas.validation.robustness.measuring_child import MeasuringChild

POLL_S = 0.05
START_TIMEOUT_S = 180.0
"""How long a session may take until its first exposure, if longer than a hang (15 s; 75 s at a load of 20)."""

MOST_UNDISTURBED = 16
"""Undisturbed datasets that are enough: more would only narrow their share of the comparison's errors."""

Say = Callable[[str], None]


@dataclass
class ChaosResult:
    """What a chaos run found; `hangs`: times without an exposure for longer than `hang_after_s`."""

    hang_after_s: float
    by_kind: Counter[str] = field(default_factory=Counter)
    not_struck: Counter[str] = field(default_factory=Counter)
    hangs: int = 0
    hung_after: Counter[str] = field(default_factory=Counter)
    session_starts: int = 0
    audit: Audit = field(default_factory=Audit)
    comparison: Comparison = field(default_factory=lambda: Comparison(0, 0.0, 0.0))
    wall_s: float = 0.0

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost, doubled, wrong or stuck, and the result is the undisturbed one."""
        found = self.audit
        wrong = found.points_lost or found.duplicates or found.bad_points_averaged or self.hangs
        return not wrong and self.comparison.is_equal

    def as_json(self) -> dict[str, Any]:
        """The numbers, for machines."""
        found = self.audit
        return {
            "faults": self.by_kind.total(),
            "by_kind": dict(sorted(self.by_kind.items())),
            "not_struck": dict(self.not_struck),
            "points_lost": found.points_lost,
            "bad_points_averaged": found.bad_points_averaged,
            "bad_by_reason": dict(found.reasons.most_common()),
            "duplicates": found.duplicates,
            "hangs": self.hangs,
            "hung_after": dict(self.hung_after),
            "hang_after_s": self.hang_after_s,
            "exposures": found.exposures,
            "marked_bad": found.marked_bad,
            "datasets": found.datasets,
            "runs": found.runs,
            "session_starts": self.session_starts,
            "comparison": self.comparison.as_json(),
            "wall_s": self.wall_s,
        }


class Chaos:
    """Runs under `folder`, which gets the data of both parts, logs and the simulation's truth."""

    def __init__(self, folder: Path, *, seed: int, speed: float, hang_after_s: float, say: Say) -> None:
        self._folder, self._seed, self._speed, self._say = folder, seed, speed, say
        self._result = ChaosResult(hang_after_s)

    def run(self, faults: Sequence[PlannedFault]) -> ChaosResult:
        """Disturbed, undisturbed, and what the comparison gives."""
        began = time.monotonic()
        folder = self._folder / "disturbed"
        self._measure(folder, faults, datasets=2)
        with open_store(folder, recover_runs=False) as store:
            self._result.audit = audit(store, Truth(folder / "exposures.jsonl"))
            disturbed = chaos_datasets(store)
        self._say(f"{len(disturbed)} datasets; the same without faults ...")
        quiet = self._folder / "undisturbed"
        self._measure(quiet, (), datasets=min(max(len(disturbed), 2), MOST_UNDISTURBED))
        with open_store(quiet, recover_runs=False) as store:
            self._result.comparison = compare(disturbed, chaos_datasets(store))
        self._result.wall_s = time.monotonic() - began
        return self._result

    def _measure(self, folder: Path, faults: Sequence[PlannedFault], datasets: int) -> None:
        folder.mkdir(parents=True)
        log, enough = folder / "exposures.jsonl", folder / "enough"
        with simulated_beamline(seed=self._seed, speed=self._speed, exposure_log=log) as address_list:
            options = ["--data", str(folder), "--address-list", address_list, "--enough", str(enough)]
            target = MeasuringChild([*options, "--datasets", str(datasets)], folder / "session.log")
            try:
                self._start(target)
                if faults:
                    channel_access.prepare(load_configuration(address_list=address_list).beamline.epics)
                    self._strike_all(target, Operator("", self._speed), faults)
                enough.touch()
                self._wait(target, lambda: target.exit_code is not None, "the end")
            finally:
                target.close()
                channel_access.silence()

    def _strike_all(self, target: MeasuringChild, operator: Operator, faults: Sequence[PlannedFault]) -> None:
        self._wait(target, lambda: target.exposures > 0, "the start")
        for number, fault in enumerate(faults, start=1):
            time.sleep(fault.gap_s)
            before = target.exposures
            struck = self._strike(target, operator, fault)
            (self._result.by_kind if struck else self._result.not_struck)[fault.kind] += 1
            self._wait(target, lambda known=before: target.exposures > known + 1, fault.kind)  # type: ignore[misc]
            self._say(f"[{number}/{len(faults)}] {fault.kind} {fault.duration_s:.2f} s, {target.exposures} exposures")

    def _strike(self, target: MeasuringChild, operator: Operator, fault: PlannedFault) -> bool:
        if fault.kind != SESSION_KILL:
            return operator.strike(fault)
        target.kill()
        self._start(target)
        return True

    def _start(self, target: MeasuringChild) -> None:
        target.start()
        self._result.session_starts += 1

    def _is_hung(self, target: MeasuringChild) -> bool:
        """Whether there was no exposure for too long."""
        longest_s = max(self._result.hang_after_s, 0.0 if target.has_measured else START_TIMEOUT_S)
        return target.silent_s > longest_s

    def _wait(self, target: MeasuringChild, until: Callable[[], bool], after: str) -> None:
        """Wait, starting a session that ended by itself again; one without exposures for too long is a hang."""
        while not until():
            if target.exit_code is not None and not until():
                if target.exit_code == 0:
                    return
                self._say(f"the session ended with {target.exit_code} after {after}")
                self._start(target)
            if self._is_hung(target):
                self._say(f"no exposure for {target.silent_s:.0f} s after {after}: hang")
                self._result.hangs += 1
                self._result.hung_after[after] += 1
                target.kill()
                self._start(target)
            time.sleep(POLL_S)
