"""The list of all PVs, generated for the documentation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

STANDARD_RECORDS = {"motor": "all fields of the motor record", "scaler": "all fields of the scaler record"}


def pv_list(pvdb: Mapping[str, Any]) -> str:
    """Return a Markdown table of name, record, unit, limits, access and meaning, sorted by name."""
    lines = ["| PV | record | unit | limits | access | meaning |", "| --- | --- | --- | --- | --- | --- |"]
    for name, channel in sorted(pvdb.items()):
        record = channel.pvspec.record or ""
        access = "read" if channel.pvspec.read_only else "read, write"
        note = f"; {STANDARD_RECORDS[record]}" if record in STANDARD_RECORDS else ""
        meaning = f"{channel.__doc__ or ''}{note}"
        lines.append(f"| `{name}` | {record} | {_unit(channel)} | {_limits(channel)} | {access} | {meaning} |")
    return "\n".join(lines)


def _unit(channel: Any) -> str:
    return getattr(channel, "units", "") or ""


def _limits(channel: Any) -> str:
    if choices := getattr(channel, "enum_strings", None):
        return ", ".join(choices)
    low, high = (getattr(channel, f"{side}_ctrl_limit", 0) for side in ("lower", "upper"))
    return f"{low:g} to {high:g}" if low is not None and high is not None and low < high else ""
