"""Publishing of a session's documents: to the windows, and to Kafka where it is configured."""

from __future__ import annotations

from pathlib import Path

from broadcast.kafka import KafkaTarget
from broadcast.kafka_publisher import KafkaPublisher
from broadcast.publisher import Publisher
from trxas.announcements.server_file import read_state
from trxas.kafka_settings import KafkaSettings
from trxas.secrets import secret
from trxas.session.remote_control import RemotelyPausableEngine


def publish(run_engine: RemotelyPausableEngine, root: Path) -> Publisher:
    """Send all documents of `run_engine` to the server of the data folder `root`, which may start later.

    Call it once, after the store has subscribed: documents that are lost on the way are read from the journal. Close
    the returned publisher with the session. A server that is silent or gone raises nothing.
    """
    # The address is asked for again and again, as a server may start after the session, or come back at other ports.
    publisher = Publisher(lambda: _relay(root))
    run_engine.record_with(publisher)
    return publisher


def kafka_publisher(settings: KafkaSettings) -> KafkaPublisher:
    """Return a recorder that publishes documents to the Kafka topic of `settings`; close it with the session.

    Raises ConfigurationError if the Kafka client is not installed, a secret is not set, or an option is refused.
    Brokers that do not answer raise nothing, now or later.
    """
    secrets = {name: secret(variable, settings.secrets_file) for name, variable in settings.secret_options.items()}
    target = KafkaTarget(
        servers=settings.bootstrap_servers,
        topic=settings.topic,
        timeout_s=settings.timeout_s,
        options={**settings.options, **secrets},
        secrets=tuple(secrets.values()),
    )
    return KafkaPublisher(target)


def _relay(root: Path) -> str | None:
    state = read_state(root)
    return None if state is None else state.relay.publish
