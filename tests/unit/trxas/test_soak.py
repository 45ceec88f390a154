"""If these fail, `trxas soak` calls a process flat that eats the machine in a week, or a healthy one a leak."""

from __future__ import annotations

import pytest

from processes.process_table import ProcessUse
from trxas.validation.robustness.growth import growth
from trxas.validation.robustness.soak import SoakResult

STEADY = ProcessUse(memory_mb=200.0, files=20, threads=8)


def samples(late: ProcessUse, *, hours: float = 24.0) -> list[tuple[float, dict[str, ProcessUse]]]:
    """A process that grows evenly from the first hour on, after it has doubled within that."""
    found = []
    for number in range(401):
        at = hours * number / 400
        part = max(0.0, (at - 1.0) / (hours - 1.0))
        use = ProcessUse(
            memory_mb=STEADY.memory_mb + part * (late.memory_mb - STEADY.memory_mb),
            files=round(STEADY.files + part * (late.files - STEADY.files)),
            threads=round(STEADY.threads + part * (late.threads - STEADY.threads)),
        )
        found.append((at, {"it": ProcessUse(memory_mb=100.0, files=5, threads=2) if at < 1.0 else use}))
    return found


@pytest.mark.parametrize(
    ("late", "flat"),
    [
        (STEADY, True),
        (ProcessUse(memory_mb=208.0, files=22, threads=9), True),
        (ProcessUse(memory_mb=150.0, files=10, threads=4), True),
        (ProcessUse(memory_mb=225.0, files=20, threads=8), False),
        (ProcessUse(memory_mb=200.0, files=30, threads=8), False),
        (ProcessUse(memory_mb=200.0, files=20, threads=15), False),
    ],
)
def test_growth_after_the_first_hour_is_distinguished(late: ProcessUse, flat: bool) -> None:
    assert growth(samples(late))["it"].is_flat is flat


def test_a_process_that_is_not_there_all_the_time_is_not_compared() -> None:
    looked = samples(STEADY)
    assert growth([(at, {} if at > 20 else use) for at, use in looked]) == {}
    assert not SoakResult(growth={}).is_flat


def test_trouble_is_never_flat() -> None:
    found = growth(samples(STEADY))
    assert SoakResult(growth=found).is_flat
    assert not SoakResult(growth=found, trouble=["the window ended by itself"]).is_flat
