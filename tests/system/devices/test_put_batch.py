"""If these fail, a move does not end, or its setpoints do not leave together."""

from __future__ import annotations

import threading

import pytest
from epics import ca
from ophyd import EpicsSignal

from devices.signals.connection import wait_connected
from devices.signals.put_batch import COMPLETIONS, Write, write_batch
from devices.signals.uncached_signal import FreshSignalRO, put_together, read_together
from tests.support.waiting import WAIT_S


def _connected(*names: str) -> list[EpicsSignal]:
    signals = [EpicsSignal(name, name=name) for name in names]
    wait_connected(signals, WAIT_S)
    return signals


def test_numbers_are_written_in_one_packet_and_each_completes(bench: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A float, an integer and a choice; the last completion comes when all have arrived, on a thread that may read."""
    signals = _connected(f"{bench}m2.TWV", f"{bench}stall", f"{bench}m2.SPMG")
    readbacks = {name: FreshSignalRO(f"{bench}{name}", name=name) for name in ("m2.TWV", "stall", "m2.SPMG")}
    wait_connected(readbacks.values(), WAIT_S)
    flushed: list[threading.Thread] = []
    flush = ca.libca.ca_flush_io

    def note() -> int:
        flushed.append(threading.current_thread())
        return int(flush())

    monkeypatch.setattr(ca.libca, "ca_flush_io", note)
    found: list[dict[str, float]] = []
    left = threading.Semaphore(0)

    def one_done(**_: object) -> None:
        found.append(read_together(readbacks))
        left.release()

    put_together([(signals[0], 1.25), (signals[1], 0), (signals[2], 3)], one_done)
    assert all(left.acquire(timeout=WAIT_S) for _ in signals)
    assert found[-1] == {"m2.TWV": 1.25, "stall": 0, "m2.SPMG": 3}
    assert flushed.count(threading.current_thread()) == 1


def test_text_is_written_as_well(bench: str) -> None:
    """Anything but numbers goes the way of ophyd."""
    (signal,) = _connected(f"{bench}m2.DESC")
    done = threading.Event()
    put_together([(signal, "Stage of a test")], lambda **_: done.set())
    assert done.wait(WAIT_S)
    assert signal.get() == "Stage of a test"


def test_a_failure_after_a_completion_does_not_end_the_thread(bench: str, caplog: pytest.LogCaptureFixture) -> None:
    """Lost: every later move of the session, to its time-out."""
    (signal,) = _connected(f"{bench}m2.TWV")

    def fail(**_: object) -> None:
        raise RuntimeError("a callback that fails")

    done = threading.Event()
    put_together([(signal, 1.0)], fail)
    put_together([(signal, 2.0)], lambda **_: done.set())
    assert done.wait(WAIT_S)
    assert "What waited for the completion" in caplog.text


def test_a_channel_that_has_just_broken_is_an_error_and_nothing_waits_for_it(
    bench: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (signal,) = _connected(f"{bench}m2.TWV")
    monkeypatch.setattr(ca.libca, "ca_array_put_callback", lambda *_: 192)  # ECA_DISCONN
    waiting = dict(COMPLETIONS._expected)
    with pytest.raises(ca.CASeverityException):
        write_batch([Write(signal._write_pv.chid, 1.0, lambda: None)])
    assert waiting == COMPLETIONS._expected
