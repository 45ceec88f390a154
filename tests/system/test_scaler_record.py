"""If these fail, stock EPICS clients cannot use the simulated scaler as they use a real one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from sim.clock import BeamClock
from sim.errors import SimulationInputError
from sim.ioc.records.scaler import ConnectedChannels, CountActions, ScalerGroup
from tests.support.waiting import WAIT_S

RATE_HZ = {2: 1000.0, 3: 50_000.0}


@pytest.fixture
def scaler(bench: str, put: Any) -> Iterator[str]:
    """The scaler, idle, with a preset of 0.1 s."""
    name = f"{bench}scaler1"
    put(f"{name}.TP", 0.1)
    yield name
    put(f"{name}.CNT", 0)
    put(f"{bench}broken", 0)


@pytest.fixture(scope="module")
def epics_scaler(bench: str) -> Any:
    from ophyd import EpicsScaler

    device = EpicsScaler(f"{bench}scaler1", name="scaler")
    device.wait_for_connection(timeout=WAIT_S)
    return device


def test_ophyd_scaler_counts(epics_scaler: Any, scaler: str, get: Any) -> None:
    """A triggered stock EpicsScaler holds the counts of the preset time when its status is done."""
    epics_scaler.stage()
    status = epics_scaler.trigger()
    status.wait(timeout=WAIT_S)
    epics_scaler.unstage()
    assert epics_scaler.channels.chan2.get(use_monitor=False) == RATE_HZ[2] * 0.1
    assert epics_scaler.channels.chan3.get(use_monitor=False) == RATE_HZ[3] * 0.1
    assert epics_scaler.channels.chan1.get(use_monitor=False) == 0.1 * epics_scaler.freq.get()
    assert epics_scaler.time.get(use_monitor=False) == 0.1
    assert epics_scaler.names.name2.get() == "I0"


def test_ophyd_scaler_ch_selects_named_channels(bench: str) -> None:
    """The newer ScalerCH finds its channels by name, the clock and all unnamed ones left out."""
    from ophyd.scaler import ScalerCH

    device = ScalerCH(f"{bench}scaler1", name="named")
    device.wait_for_connection(timeout=WAIT_S)
    device.select_channels()
    selected = {name for name in device.channels.read_attrs if "." not in name}
    assert selected == {"chan02", "chan03"}
    assert device.channels.chan03.s.name == "signal"
    with pytest.raises(RuntimeError, match="not configured"):
        device.select_channels(["nobody"])


def test_completion_comes_after_counts_and_frames(bench: str, scaler: str, put: Any, get: Any) -> None:
    """Whatever is read after the put completes belongs to this exposure: no count of the one before."""
    for seconds in (0.02, 0.05, 0.03):
        put(f"{scaler}.TP", seconds)
        put(f"{scaler}.CNT", 1)
        assert get(f"{scaler}.CNT") == 0
        assert get(f"{scaler}.S2") == int(RATE_HZ[2] * seconds)
        assert list(get(f"{bench}frame")) == [seconds, int(RATE_HZ[2] * seconds)]


def test_channels_are_cleared_at_the_start(scaler: str, put: Any, get: Any, start: Any) -> None:
    """During an exposure the counts of the last one are gone, so that they cannot be taken for new ones."""
    put(f"{scaler}.CNT", 1)
    assert get(f"{scaler}.S3") > 0
    put(f"{scaler}.TP", 30.0)
    completed = start(f"{scaler}.CNT", 1)
    assert (get(f"{scaler}.CNT"), get(f"{scaler}.S3"), get(f"{scaler}.T")) == (1, 0.0, 0.0)
    put(f"{scaler}.CNT", 0, wait=False)
    assert completed.wait(WAIT_S)


def test_stopped_count_keeps_what_it_has(scaler: str, put: Any, get: Any, start: Any) -> None:
    """An interrupted exposure completes at once, and T tells how long its counts took."""
    put(f"{scaler}.TP", 30.0)
    completed = start(f"{scaler}.CNT", 1)
    assert get(f"{scaler}.CNT") == 1
    put(f"{scaler}.CNT", 0, wait=False)
    assert completed.wait(WAIT_S)
    elapsed_s = get(f"{scaler}.T")
    assert 0 < elapsed_s < 20.0
    assert get(f"{scaler}.S3") == int(RATE_HZ[3] * elapsed_s)
    assert get(f"{scaler}.S1") == round(elapsed_s * 1e7)


def test_start_while_counting_is_refused(scaler: str, put: Any, get: Any, start: Any, caproto_put: Any) -> None:
    """If this fails, a second client restarts an exposure, and the first one loses its counts."""
    put(f"{scaler}.TP", 1e4)
    completed = start(f"{scaler}.CNT", 1)
    assert get(f"{scaler}.CNT") == 1
    began = time.monotonic()
    assert "is counting already" in caproto_put(f"{scaler}.CNT", 1)
    since_s = time.monotonic() - began
    assert not completed.is_set()
    put(f"{scaler}.CNT", 0, wait=False)
    assert completed.wait(WAIT_S)
    elapsed_s = get(f"{scaler}.T")
    assert elapsed_s >= since_s, "it did not begin again"
    assert get(f"{scaler}.S2") == int(RATE_HZ[2] * elapsed_s)


@pytest.mark.parametrize(("field", "value", "reason"), [
    ("TP", "0", "must be finite and above 0"),
    ("TP", "-1", "must be finite and above 0"),
    ("TP", "nan", "must be finite and above 0"),
    ("G2", "1", "only gate G1"),
    ("CONT", "1", "does not auto-count"),
])  # fmt: skip
def test_senseless_preset_is_refused(
    scaler: str, caproto_put: Any, get: Any, field: str, value: str, reason: str
) -> None:
    """A counting time of 0 would give rates of 0/0."""
    before = get(f"{scaler}.{field}")
    assert reason in caproto_put(f"{scaler}.{field}", value)
    assert get(f"{scaler}.{field}") == before


def test_time_and_ticks_are_one_preset(scaler: str, put: Any, get: Any) -> None:
    """Clients that preset clock ticks (PR1) get the same exposure as those that preset seconds."""
    put(f"{scaler}.PR1", 2e5)
    assert get(f"{scaler}.TP") == pytest.approx(0.02)
    put(f"{scaler}.TP", 0.5)
    assert get(f"{scaler}.PR1") == pytest.approx(5e6)


def test_failed_counting_leaves_the_record_usable(bench: str, scaler: str, put: Any, get: Any) -> None:
    """A count that is not a number is never shown, and the next exposure works."""
    put(f"{bench}broken", 1)
    put(f"{scaler}.CNT", 1)
    assert (get(f"{scaler}.CNT"), get(f"{scaler}.S2")) == (0, 0.0)
    put(f"{bench}broken", 0)
    put(f"{scaler}.CNT", 1)
    assert get(f"{scaler}.S2") == RATE_HZ[2] * 0.1


@pytest.mark.parametrize(("description", "wrong"), [
    ("Scaler", {"names": {0: "I0"}}), ("Scaler", {"names": {9: "I0"}}), ("Scaler", {"names": {1: "A" * 16}}),
    ("Scaler", {"count": 33}), ("A" * 41, {}),
])  # fmt: skip
def test_impossible_scaler_is_refused_when_built(description: str, wrong: dict[str, Any]) -> None:
    """A channel that the record does not have shows at start, not as a column of zeros."""
    right: dict[str, Any] = {"names": {2: "I0"}, "count": 8}
    channels = ConnectedChannels(**(right | wrong))
    actions = CountActions(count=lambda elapsed_s: {})
    with pytest.raises(SimulationInputError):
        ScalerGroup("s", clock=BeamClock(1.0), description=description, channels=channels, actions=actions)
