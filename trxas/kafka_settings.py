"""The table `[kafka]` of a configuration file: where documents are published besides. No secret stands in it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from devices.configuration.fields import DAY_S, SETTINGS, Fault, quantity, text

TABLE = "kafka"

Option = str | int | float | bool
"""Value of an option of librdkafka."""

OWN_OPTIONS = {
    "bootstrap.servers": "give it as bootstrap_servers",
    "message.timeout.ms": "give it as timeout_s, in s",
    "delivery.timeout.ms": "give it as timeout_s, in s",
    "debug": "it would write to the terminal, secrets among it; remove it",
    "log_level": "it would write to the terminal; remove it",
}
"""Options of librdkafka that this table has keys for, or that would disturb a session, and what to do instead."""

_SECRET = re.compile(r"password|secret|\.key$|\.pem$|config$")
_PUBLIC = re.compile(r"location$|certificate\.pem$|\.ca\.pem$")
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class KafkaSettings:
    """A Kafka topic to which every session publishes its documents, as bluesky-kafka does.

    Nothing is published without the table. Passwords and keys are secrets: `secret_options` gives the name of an
    environment variable for each, which is read from the environment or from `secrets_file`, a file of lines
    NAME=VALUE that its owner alone can read. Documents that no broker has taken within `timeout_s` are not published.
    """

    bootstrap_servers: Annotated[
        tuple[str, ...], Field(description="hosts and ports of brokers, such as broker1.example.org:9092", min_length=1)
    ]
    topic: Annotated[str, text("topic that the documents go to")]
    timeout_s: Annotated[
        float, quantity("time that a document waits for a broker before it is left out", "s", low=1.0, high=DAY_S)
    ] = 300.0
    options: Annotated[
        dict[str, Option],
        Field(description="options of librdkafka, such as security.protocol, sasl.mechanism and sasl.username"),
    ] = Field(default_factory=dict)
    secret_options: Annotated[
        dict[str, str],
        Field(description="options of librdkafka whose value is a secret: the environment variable that has it"),
    ] = Field(default_factory=dict)
    secrets_file: Annotated[str, text("file with the secrets, mode 600; empty: the environment alone")] = ""

    def faults(self) -> Iterable[Fault]:
        """Yield a fault for servers without a port, an impossible topic, and options that belong elsewhere."""
        for server in self.bootstrap_servers:
            host, _, port = server.rpartition(":")
            if not host or not port.isdecimal() or not 0 < int(port) < 65536:
                message = f"= {server!r}: give host and port, such as broker1.example.org:9092."
                yield Fault(table=TABLE, key="bootstrap_servers", message=message)
        if not _TOPIC.fullmatch(self.topic):
            message = f"= {self.topic!r}: give 1 to 249 letters, digits, dots, hyphens and underscores."
            yield Fault(table=TABLE, key="topic", message=message)
        yield from self._option_faults()

    def _option_faults(self) -> Iterable[Fault]:
        # The value of an option is never in a message: it may be a secret in the wrong place.
        for name in self.options.keys() | self.secret_options.keys():
            if name in OWN_OPTIONS:
                yield Fault(table=TABLE, key=f'options."{name}"', message=f"is not allowed: {OWN_OPTIONS[name]}.")
        for name in self.options:
            if _SECRET.search(name) and not _PUBLIC.search(name):
                message = "is a secret: name an environment variable under secret_options, and put the value into it."
                yield Fault(table=TABLE, key=f'options."{name}"', message=message)
        for name, variable in self.secret_options.items():
            if not _VARIABLE.fullmatch(variable):
                message = "is not the name of an environment variable: give its NAME, and put the secret into it."
                yield Fault(table=TABLE, key=f'secret_options."{name}"', message=message)
