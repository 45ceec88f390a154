"""If these fail, other people's consumers do not read the runs, or a broker ends one."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from broadcast.kafka import KafkaTarget
from broadcast.kafka_publisher import KafkaPublisher
from processes.waiting import wait_until
from storage import open_store
from storage.records import read_contents
from storage.runs import load_run
from tests.support.waiting import COMMAND_S, WAIT_S
from tests.system.trxas.test_command_line import Measured

pytest.importorskip("confluent_kafka", reason="no Kafka client; `pip install confluent-kafka`")

pytestmark = [pytest.mark.long, pytest.mark.channel_access]

TOPIC = "7id.documents"


@contextlib.contextmanager
def python(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()
            process.wait(WAIT_S)


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.fixture
def broker() -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A broker of its own, and its address."""
    with python("tests.support.kafka_broker") as process:
        yield process, line_of(process)


@pytest.fixture(scope="module")
def reached(start_ioc: Any) -> Iterator[tuple[str, ...]]:
    """Options of a command that reach a simulated beamline."""
    with start_ioc("-m", "sim", "--macro", "kafka:", "--speed", "500") as ioc:
        yield ("--prefix", "kafka:", "--address-list", f"127.0.0.1:{ioc.port}")


def configured(folder: Path, address: str, timeout_s: float = 60.0) -> tuple[str, str]:
    """Options of a command whose session publishes to the broker at `address`."""
    path = folder / "kafka.toml"
    table = f'[kafka]\nbootstrap_servers = ["{address}"]\ntopic = "{TOPIC}"\ntimeout_s = {timeout_s}\n'
    path.write_text(f'extends = "7ID-D"\n{table}')
    return "--config", str(path)


def assert_equal(one: Any, other: Any) -> None:
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key, value in one.items():
            assert_equal(value, other[key])
    elif isinstance(one, np.ndarray):
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)
    else:
        assert one == other or (one != one and other != other)


def test_a_stock_consumer_reads_every_document_of_a_run(
    broker: tuple[subprocess.Popen[str], str], reached: tuple[str, ...], trxas: Any, data: Path, tmp_path: Path
) -> None:
    pytest.importorskip("bluesky_kafka", reason="no stock consumer; `pip install bluesky-kafka`")
    heard = tmp_path / "heard"
    with python("tests.support.kafka_consumer", broker[1], TOPIC, "1", str(heard)) as consumer:
        options = (*configured(tmp_path, broker[1]), *reached)
        done = trxas("measure", "energy_scan", "edge=Br K", "delay_ps=100", "dwell_s=1", *options)
        assert "79 of 79" in done.stdout
        assert "Kafka" not in done.stdout + done.stderr
        uid = line_of(consumer)
        assert consumer.wait(WAIT_S) == 0
    with open_store(data, recover_runs=False) as store:
        stored = load_run(store, uid)
    published = read_contents(heard).documents
    assert [name for name, _ in published] == [name for name, _ in stored]
    for (_, one), (_, other) in zip(published, stored, strict=True):
        assert_equal(one, other)
    assert any(
        isinstance(value, np.ndarray) for name, doc in stored if name == "event" for value in doc["data"].values()
    )


def test_a_broker_that_is_not_there_delays_nothing(caplog: pytest.LogCaptureFixture) -> None:
    publisher = KafkaPublisher(KafkaTarget(servers=("127.0.0.1:1",), topic="docs"))
    publisher("start", {"uid": "a", "scan_id": 1})
    assert wait_until(lambda: "No Kafka broker answers" in caplog.text, timeout_s=WAIT_S)
    publisher.close()
    assert "run 1 (a) lacks 1" in caplog.text


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP])
def test_a_broker_that_dies_or_hangs_costs_a_run_nothing(
    broker: tuple[subprocess.Popen[str], str], reached: tuple[str, ...], data: Path, tmp_path: Path, end: int
) -> None:
    process, address = broker
    options = (*configured(tmp_path, address, timeout_s=1.0), *reached)
    measured = Measured(data, tmp_path, "dwell_s=40", *options)
    measured.wait_for_exposures()
    process.send_signal(end)
    assert measured.process.wait(COMMAND_S) == 0, measured.both()
    assert "79 of 79" in measured.both()
    said = measured.said.read_text()
    assert "The run continues and is stored" in said
    assert said.count("did not take a document") == 1
    assert " lacks " in said
    assert "Traceback" not in said
