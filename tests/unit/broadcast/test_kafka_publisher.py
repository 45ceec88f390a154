"""If this fails, a Kafka broker ends or delays a run, or its consumers take a run with holes for a whole one."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgpack  # type: ignore[import-untyped]
import msgpack_numpy
import numpy as np
import pytest

from broadcast import wire
from broadcast.kafka import KafkaTarget, connect, pack
from broadcast.kafka_publisher import KafkaPublisher
from errors import ConfigurationError
from storage.records import pack_record
from tests.support.waiting import WAIT_S

TARGET = KafkaTarget(servers=("broker:9092",), topic="docs", secrets=("hunter2",))
EVENT = {"uid": "e", "seq_num": 1, "time": 3.0, "data": {"counts": np.arange(6, dtype=np.int32).reshape(2, 3)}}


class Failure:
    """An error as confluent-kafka reports it."""

    def __init__(self, name: str, text: str) -> None:
        self._name = name
        self._text = text

    def name(self) -> str:
        return self._name

    def str(self) -> str:
        return self._text


class Topic:
    error = None


class Broker:
    """A broker and its clients: it takes messages at the next `poll`, unless it is away."""

    def __init__(self) -> None:
        self.away = False
        self.refuses_from = 1_000_000
        self.taken: list[tuple[str, bytes]] = []
        self.clients = 0

    def connect(self, target: KafkaTarget, on_error: Callable[[Any], None]) -> Client:
        self.clients += 1
        return Client(self, on_error)


class Client:
    """What `confluent_kafka.Producer` does, as far as it is used."""

    def __init__(self, broker: Broker, on_error: Callable[[Any], None]) -> None:
        self.broker = broker
        self.on_error = on_error
        self.waiting: list[tuple[str, bytes, Any]] = []
        self.errors: list[Failure] = []
        self.failing: list[Any] = []

    def produce(self, topic: str, *, value: bytes, key: bytes, on_delivery: Any) -> None:
        if len(value) > self.broker.refuses_from:
            raise BufferError("too large, hunter2")
        self.waiting.append((key.decode(), value, on_delivery))

    def poll(self, timeout: float) -> int:
        for error in self.errors:
            self.on_error(error)
        for report in self.failing:
            report(Failure("_MSG_TIMED_OUT", "Local: Message timed out"), None)
        self.errors = []
        self.failing = []
        if not self.broker.away:
            for key, value, report in self.waiting:
                self.broker.taken.append((key, value))
                report(None, None)
            self.waiting = []
        return 0

    def time_out(self) -> None:
        """Report what waits as not delivered, at the next `poll`."""
        self.errors.append(Failure("_ALL_BROKERS_DOWN", "1/1 brokers are down"))
        self.failing = [report for _, _, report in self.waiting]
        self.waiting = []

    def flush(self, timeout: float) -> int:
        self.poll(timeout)
        return len(self.waiting)

    def purge(self) -> None:
        self.failing += [report for _, _, report in self.waiting]
        self.waiting = []

    def list_topics(self, topic: str, timeout: float) -> Any:
        if self.broker.away:
            raise OSError("no answer")
        return type("Metadata", (), {"topics": {topic: Topic()}})


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def publisher(broker: Broker) -> KafkaPublisher:
    made = KafkaPublisher(TARGET, connect=broker.connect, ask_every_s=0.0)
    # The thread polls without pause here, as the fake does not wait; the tests call for each step themselves.
    made._closing.set()
    made._thread.join(WAIT_S)
    return made


def step(publisher: KafkaPublisher) -> None:
    """Do what the thread does four times a second."""
    publisher._closing.clear()

    def once(timeout: float) -> int:
        publisher._closing.set()
        return int(poll(timeout))

    client: Any = publisher._producer
    poll = client.poll
    client.poll = once
    try:
        publisher._work()
    finally:
        client.poll = poll


def run(publisher: KafkaPublisher, uid: str, number: int) -> None:
    publisher("start", {"uid": uid, "scan_id": number})
    publisher("event", EVENT)
    publisher("stop", {"uid": f"{uid}-stop", "run_start": uid})


def names(broker: Broker) -> list[tuple[str, str]]:
    return [(key, msgpack.unpackb(value, object_hook=msgpack_numpy.decode)[0]) for key, value in broker.taken]


WHOLE = ["start", "event", "stop"]


def test_documents_are_published_in_order_with_their_run_as_key(publisher: KafkaPublisher, broker: Broker) -> None:
    run(publisher, "a", 1)
    step(publisher)
    assert names(broker) == [("a", name) for name in WHOLE]


def test_arrays_arrive_as_arrays() -> None:
    """Lost: stock consumers, which decode with msgpack-numpy."""
    doc = EVENT | {"path": Path("/data"), "odd": np.array([None, 1], dtype=object)}
    name, read = msgpack.unpackb(pack("event", doc), object_hook=msgpack_numpy.decode)
    assert name == "event"
    counts = read["data"]["counts"]
    assert counts.dtype == np.int32
    assert counts.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert (read["path"], read["odd"]) == ("/data", [None, 1])


def test_an_absent_broker_is_reported_once_and_its_runs_by_name(
    publisher: KafkaPublisher, broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    run(publisher, "a", 1)
    step(publisher)
    broker.away = True
    run(publisher, "bbbbbbbbbbbb", 2)
    client: Any = publisher._producer
    client.time_out()
    for _ in range(3):
        step(publisher)
    run(publisher, "c", 3)
    step(publisher)
    assert [record.message.split(".")[0] for record in caplog.records] == [
        "No Kafka broker answers at broker:9092: 1/1 brokers are down",
        "Kafka broker:9092 did not take a document of run 2 (bbbbbbbb): Local: Message timed out; 1/1 brokers are down",
    ]
    caplog.clear()
    broker.away = False
    step(publisher)
    run(publisher, "d", 4)
    step(publisher)
    assert names(broker) == [(uid, name) for uid in "ad" for name in WHOLE]
    assert "from run 4 (d) on" in caplog.text
    assert "topic docs: run 2 (bbbbbbbb) lacks 3, run 3 (c) lacks 3" in caplog.text


def test_a_run_that_lacks_a_document_ends_there(
    publisher: KafkaPublisher, broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    """Lost: consumers average a run with a hole, and nothing shows it."""
    broker.refuses_from = 50
    run(publisher, "a", 1)
    step(publisher)
    run(publisher, "b", 2)
    step(publisher)
    assert names(broker) == [("a", "start"), ("b", "start")]
    assert "hunter2" not in caplog.text
    assert "too large, ***" in caplog.text
    publisher._closing.clear()
    publisher.close()
    assert "run 2 (b) lacks 2" in caplog.text


def test_no_document_raises(publisher: KafkaPublisher, broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
    publisher("event", {"data": object()})
    publisher("start", {})
    assert "did not take a document of no run" in caplog.text


def test_the_end_names_what_still_waits(broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
    broker.away = True
    publisher = KafkaPublisher(TARGET, connect=broker.connect)
    run(publisher, "a", 1)
    publisher.close()
    publisher.close()
    assert caplog.text.count("run 1 (a) lacks 3") == 1


def test_many_lost_runs_make_one_line(
    publisher: KafkaPublisher, broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    publisher("event", {"data": object()})
    broker.away = True
    for number in range(200):
        run(publisher, f"{number:012}", number)
    publisher._closing.clear()
    publisher.close()
    assert "191 runs in between" in caplog.text
    assert len(caplog.records[-1].message) < 600


def test_without_the_client_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with pytest.raises(ConfigurationError, match="pip install confluent-kafka"):
        connect(TARGET, print)


def test_nothing_is_said_of_secrets(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    pytest.importorskip("confluent_kafka", reason="no Kafka client; `pip install confluent-kafka`")
    target = KafkaTarget(
        servers=("127.0.0.1:1",), topic="docs", options={"security.protocol": "hunter2"}, secrets=("hunter2",)
    )
    with pytest.raises(ConfigurationError, match=r"refuses its options.*\*\*\*") as refused:
        connect(target, print)
    assert "hunter2" not in str(refused.value) + repr(target) + caplog.text


def test_journal_and_relay_write_the_same_after_bluesky_kafka_was_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost: arrays of the journal, in a session whose user has imported bluesky_kafka."""
    before = (pack_record("event", EVENT), wire.pack(EVENT))
    monkeypatch.setattr(msgpack, "Packer", msgpack_numpy.Packer)
    monkeypatch.setattr(msgpack, "packb", msgpack_numpy.packb)
    monkeypatch.setattr(msgpack, "unpackb", msgpack_numpy.unpackb)
    assert (pack_record("event", EVENT), wire.pack(EVENT)) == before
