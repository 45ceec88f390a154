"""Old scan files in the documented shapes of their formats, written from a known spectrum.

MDA follows saveData's description of the format, the text form the output of mda2ascii, SPEC the manual of spec.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tests.support.beam_time import PUMP_RATE_HZ, br_signal, br_static, energy_points

Array = NDArray[np.float64]
TIME = "NOV 18, 2017 03:12:45.123456"
SPEC_TIME = "Sat Nov 18 03:12:45 2017"

ENERGY = ("7ida:BraggEAO.VAL", "Energy", "7ida:BraggERdbkAO", "Energy readback")
I0 = ("7idd:scaler1.S2", "I0")
SPC_OFF = ("amofg1a:scaler1.S9", "TFY off")
SPC_ON = ("amofg1a:scaler1.S10", "TFY on")
HERFD = ("amofg1a:scaler1.S2", "HERFD off 3s")
BOXCAR_OFF_3, BOXCAR_ON_3 = ("7idb:userCalc11.VAL", "off 3s"), ("7idb:userCalc12.VAL", "on 3s")
BOXCAR_OFF_6, BOXCAR_ON_6 = ("7idb:userCalc13.VAL", "off 6s"), ("7idb:userCalc14.VAL", "on 6s")
DELAY = ("7idd:DG1:ADelayAO.VAL", "laser delay", "7idd:DG1:ADelayAI.VAL", "laser delay readback")

Names = tuple[str, ...]


@dataclass
class OldScan:
    """A pass of an old scan: `positioner` and `detectors` by their names, (rows,) each; `extras` hold for all rows."""

    positioner: tuple[Names, Array]
    detectors: list[tuple[Names, Array]]
    number: int = 130
    extras: dict[str, str | float] = field(default_factory=lambda: {"7idd:scaler1.TP": 6.0})
    planned: int | None = None

    @property
    def columns(self) -> list[tuple[Names, Array]]:
        return [self.positioner, *self.detectors]

    def column(self, names: Names) -> Array:
        return {one[0]: values for one, values in self.columns}[names[0]]


def br_scan(seed: int = 1, *, energy_ev: Array | None = None, dwell_s: float = 6.0, number: int = 130) -> OldScan:
    """A Br K energy scan as 7ID-D wrote it in 2017: keV, counts of two gates, and a boxcar that goes negative."""
    rng = np.random.default_rng(seed)
    energy = energy_points() if energy_ev is None else energy_ev
    flux = 1.0 + 0.005 * rng.standard_normal(len(energy))
    pulses = int(dwell_s * PUMP_RATE_HZ)
    static = br_static(energy)
    level = {True: static * (1.0 + br_signal(energy)[:, 0]), False: static}
    counts = {on: rng.binomial(pulses, -np.expm1(-0.12 * flux * level[on])).astype(float) for on in level}
    volts = {on: -flux * level[on] + 1e-4 * rng.standard_normal(len(energy)) for on in level}
    first_half = {on: volts[on] + 1.4e-4 * rng.standard_normal(len(energy)) for on in level}
    detectors: list[tuple[Names, Array]] = [
        (I0, 1e6 * dwell_s * flux),
        (HERFD, np.round(1e-3 * counts[False])),
        (BOXCAR_OFF_3, first_half[False]),
        (BOXCAR_ON_3, first_half[True]),
        (SPC_OFF, counts[False]),
        (SPC_ON, counts[True]),
        (BOXCAR_OFF_6, volts[False]),
        (BOXCAR_ON_6, volts[True]),
    ]
    extras: dict[str, str | float] = {"7idd:scaler1.TP": dwell_s, "7idd:comment": "CsPbBr3, jet"}
    return OldScan(positioner=(ENERGY, 1e-3 * energy), detectors=detectors, number=number, extras=extras)


def without(scan: OldScan, *names: Names) -> OldScan:
    """The same scan without some of its detectors."""
    kept = [one for one in scan.detectors if one[0] not in names]
    return OldScan(positioner=scan.positioner, detectors=kept, number=scan.number, extras=scan.extras)


def text_form(scan: OldScan) -> str:
    """Return a scan as mda2ascii writes it."""
    rows = len(scan.positioner[1])
    planned = scan.planned or rows
    lines = ["## mda2ascii 1.2 generated output", "", "", "# MDA File Version = 1.3", f"# Scan number = {scan.number}"]
    lines += ["# Overall scan dimension = 1-D", f"# Total requested scan size = {planned}", "", ""]
    lines += ["#  Extra PV: name, descr, values (, unit)", ""]
    lines += [f'# Extra PV {n}: {name}, , "{value}", ' for n, (name, value) in enumerate(scan.extras.items(), 1)]
    lines += ["", "", "# 1-D Scan", f"# Points completed = {rows} of {planned}", "# Scanner = 7idd:scan1"]
    lines += [
        f"# Scan time = {TIME}",
        "",
        "#  Positioner: name, descr, step mode, unit, rdbk name, rdbk descr, rdbk unit",
    ]
    lines += ["#  Detector: name, descr, unit", "", "# Column Descriptions:", "#    1  [     Index      ]"]
    name, description, readback, readback_description = scan.positioner[0]
    lines += [f"#    2  [1-D Positioner 1]  {name}, {description}, TABLE, keV, {readback}, {readback_description}, keV"]
    for number, (names, _) in enumerate(scan.detectors, 1):
        lines.append(f"# {number + 2:4d}  [1-D Detector {number:3d}]  {names[0]}, {names[1]}, ")
    lines += ["", "# 1-D Scan Values"]
    table = np.column_stack([np.arange(1, rows + 1), *(values for _, values in scan.columns)])
    lines += [" ".join(f"{value:.9g}" for value in row) for row in table]
    return "\n".join(lines) + "\n"


def _string(text: str) -> bytes:
    """Return a counted string of saveData: its length, and again as XDR's, unless it is empty."""
    raw = text.encode("latin-1")
    if not raw:
        return struct.pack(">i", 0)
    return struct.pack(">ii", len(raw), len(raw)) + raw + b"\0" * (-len(raw) % 4)


def mda_file(scans: Sequence[OldScan], outer: tuple[str, Sequence[float]] | None = None, version: float = 1.3) -> bytes:
    """Return scans as an MDA file: one of them, or several as the passes of an outer scan."""
    rank = 1 if outer is None else 2
    head = struct.pack(
        f">fii{rank}ii", version, scans[0].number, rank, *([len(scans)] * (rank - 1)), _planned(scans[0]), 1
    )
    begin = len(head) + 4
    bodies = [_mda_scan(scan) for scan in scans]
    body = bodies[0]
    if outer is not None:
        front = _outer(outer, [0] * len(scans))
        offsets = [begin + len(front) + sum(map(len, bodies[:place])) for place in range(len(scans))]
        body = _outer(outer, offsets) + b"".join(bodies)
    return head + struct.pack(">i", begin + len(body)) + body + _extra_pvs(scans[0].extras)


def _planned(scan: OldScan) -> int:
    return scan.planned or len(scan.positioner[1])


def _mda_scan(scan: OldScan) -> bytes:
    rows = len(scan.positioner[1])
    planned = _planned(scan)
    out = struct.pack(">iii", 1, planned, rows) + _string("7idd:scan1") + _string(TIME)
    out += struct.pack(">iii", 1, len(scan.detectors), 1)
    name, description, readback, readback_description = scan.positioner[0]
    out += struct.pack(">i", 0)
    out += b"".join(_string(one) for one in (name, description, "TABLE", "keV", readback, readback_description, "keV"))
    for place, (names, _) in enumerate(scan.detectors):
        out += struct.pack(">i", place) + _string(names[0]) + _string(names[1]) + _string("")
    out += struct.pack(">i", 0) + _string("7idd:scaler1.CNT") + struct.pack(">f", 1.0)
    # What was not measured is zero in the file.
    padded = [np.concatenate([values, np.zeros(planned - rows)]) for _, values in scan.columns]
    out += struct.pack(f">{planned}d", *padded[0])
    return out + b"".join(struct.pack(f">{planned}f", *values) for values in padded[1:])


def _outer(outer: tuple[str, Sequence[float]], offsets: Sequence[int]) -> bytes:
    name, values = outer
    out = struct.pack(f">iii{len(offsets)}i", 2, len(offsets), len(offsets), *offsets)
    out += _string("7idd:scan2") + _string(TIME) + struct.pack(">iii", 1, 0, 0)
    out += struct.pack(">i", 0) + b"".join(_string(one) for one in (name, "", "TABLE", "", "", "", ""))
    return out + struct.pack(f">{len(values)}d", *values)


def _extra_pvs(extras: Mapping[str, str | float]) -> bytes:
    out = struct.pack(">i", len(extras))
    for name, value in extras.items():
        out += _string(name) + _string("")
        if isinstance(value, str):
            out += struct.pack(">i", 0) + _string(value)
        else:
            out += struct.pack(">ii", 34, 1) + _string("s") + struct.pack(">d", value)
    return out


def spec_file(scans: Sequence[OldScan]) -> str:
    """Return scans as a SPEC file, with labels instead of PVs, and a spectrum of an analyser at each point."""
    lines = ["#F /data/old.spec", "#E 1510974765", f"#D {SPEC_TIME}", "#C trxas  User = nobody"]
    lines += ["#O0 Theta  Two Theta  laser delay", ""]
    for scan in scans:
        labels = [ENERGY[1], *(names[1].replace(" ", "_") for names, _ in scan.detectors)]
        lines += [f"#S {scan.number}  ascan  energy 13.45 13.57 {len(scan.positioner[1])} 6", f"#D {SPEC_TIME}"]
        lines += ["#T 6  (Seconds)", "#P0 5.1 10.2 1.7e-7", f"#N {len(labels)}", f"#L {'  '.join(labels)}"]
        for row in zip(*(values for _, values in scan.columns), strict=True):
            lines += [" ".join(f"{value:.9g}" for value in row), "@A 1 2 3\\", " 4 5 6"]
        lines.append("")
    return "\n".join(lines)
