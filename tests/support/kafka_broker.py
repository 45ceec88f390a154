"""A Kafka broker with the real protocol: librdkafka's mock cluster, as a process that can be stopped and killed.

`python -m tests.support.kafka_broker` prints its address, and serves until standard input ends.
"""

from __future__ import annotations

import sys

from confluent_kafka import Producer


def main() -> None:
    """Serve one broker, whose topics come into being when they are asked for."""
    cluster = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "none"})
    (broker,) = cluster.list_topics(timeout=60).brokers.values()
    sys.stdout.write(f"{broker.host}:{broker.port}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
