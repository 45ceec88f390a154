"""A small run for the tests of journals."""

from __future__ import annotations

from storage.documents import NamedDocument


def small_run() -> list[NamedDocument]:
    """Start, descriptor, three events and stop."""
    events: list[NamedDocument] = [
        ("event", {"descriptor": "d", "uid": f"e{i}", "seq_num": i + 1, "time": float(i), "data": {"a": i}})
        for i in range(3)
    ]
    start, descriptor = {"uid": "r", "time": 0.0}, {"uid": "d", "run_start": "r", "name": "primary"}
    stop = {"uid": "s", "run_start": "r", "exit_status": "success"}
    return [("start", start), ("descriptor", descriptor), *events, ("stop", stop)]
