"""A Kafka topic as a target of documents: how to reach it, and documents as bluesky-kafka encodes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from broadcast.wire import PlainPacker, plain
from errors import ConfigurationError

REMEDY = "Run `pip install confluent-kafka`, or remove the table [kafka] from the configuration."

WAITING_KB = 65_536
"""Memory for documents that wait for a broker, kB: a night of scans, or a few seconds of large arrays."""

Report = Callable[[Any, Any], None]
"""Receives the error, None without one, and the message that was or was not delivered."""


@dataclass(frozen=True, kw_only=True)
class KafkaTarget:
    """A topic and its brokers; documents wait for a broker for `timeout_s`, s.

    `options` are those of librdkafka and may include passwords; `secrets` are the values that no message may contain.
    """

    servers: tuple[str, ...]
    topic: str
    timeout_s: float = 300.0
    options: Mapping[str, str | int | float | bool] = field(default_factory=dict, repr=False)
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def public(self, words: object) -> str:
        """Return a text with every secret in it replaced by ***."""
        said = str(words)
        for value in self.secrets:
            said = said.replace(value, "***")
        return said


class Producer(Protocol):
    """The used part of `confluent_kafka.Producer`; only `poll`, `flush` and `list_topics` wait, at most for some s."""

    def produce(self, topic: str, *, value: bytes, key: bytes, on_delivery: Report) -> None:
        """Queue a message; raises BufferError if too many wait, and KafkaException for one that is too large."""

    def poll(self, timeout: float) -> int:
        """Call the reports on deliveries that have arrived."""

    def flush(self, timeout: float) -> int:
        """Wait until everything is delivered; return the number of messages that still wait."""

    def purge(self) -> None:
        """Drop all messages that wait; each of them is reported as an error."""

    def list_topics(self, topic: str, timeout: float) -> Any:
        """Ask a broker about the topic; raises KafkaException if none answers."""


def connect(target: KafkaTarget, on_error: Callable[[Any], None]) -> Producer:
    """Return a producer, which connects on threads of its own; `on_error` gets errors of the connection in `poll`.

    Raises ConfigurationError if confluent-kafka is not installed, or refuses an option.
    """
    try:
        import msgpack_numpy  # noqa: F401  # pack needs it, which must not fail within a run
        from confluent_kafka import KafkaException
        from confluent_kafka import Producer as ConfluentProducer
    except ImportError as error:
        raise ConfigurationError(f"The Kafka client is not installed ({error}). {REMEDY}") from error
    options: dict[str, object] = {
        # Keeps the order, and sends nothing twice, when a broker is lost and found again.
        "enable.idempotence": True,
        "queue.buffering.max.kbytes": WAITING_KB,
        **target.options,
        "bootstrap.servers": ",".join(target.servers),
        "message.timeout.ms": round(1000 * target.timeout_s),
        # librdkafka would write every failed attempt to the terminal; `on_error` gets them, too.
        "log_level": 0,
        "error_cb": on_error,
    }
    try:
        producer: Producer = ConfluentProducer(options)
    except (KafkaException, ValueError, TypeError) as error:
        reason = error.args[0].str() if isinstance(error, KafkaException) else error
        raise ConfigurationError(
            f"The Kafka client refuses its options: {target.public(reason)}. Correct [kafka] in the configuration."
        ) from None
    return producer


def pack(name: str, doc: Mapping[str, Any]) -> bytes:
    """Return a document as `bluesky_kafka.RemoteDispatcher` reads it: msgpack of name and document.

    Arrays are encoded by msgpack-numpy, with type and shape. Raises TypeError for values other than numbers, strings,
    lists, sets, mappings, paths and arrays.
    """
    packed: bytes = PlainPacker(default=_encoded, use_bin_type=True).pack((name, doc))
    return packed


def _encoded(value: Any) -> Any:
    import msgpack_numpy

    if isinstance(value, np.ndarray) and value.dtype.hasobject:
        # msgpack-numpy would pickle it, and no consumer should have to unpickle.
        return value.tolist()
    return msgpack_numpy.encode(value, chain=plain)
