"""If this fails, a password of Kafka ends up in a configuration file, a message or a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from errors import ConfigurationError
from trxas.configuration import load_configuration
from trxas.kafka_settings import KafkaSettings
from trxas.session.publishing import kafka_publisher

Read = Callable[[str], KafkaSettings | None]

SECURE = """
[kafka]
bootstrap_servers = ["broker1.example.org:9092", "broker2.example.org:9092"]
topic = "7id.documents"
timeout_s = 30.0
options = {"security.protocol" = "SASL_SSL", "sasl.username" = "trxas", "ssl.ca.location" = "/etc/ca.pem"}
secret_options = {"sasl.password" = "TRXAS_KAFKA_PASSWORD"}
"""


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """`read(text)`: the settings of a file that extends 7ID-D by `text`."""

    def load(text: str) -> KafkaSettings | None:
        path = tmp_path / "beamline.toml"
        path.write_text(f'extends = "7ID-D"\n{text}')
        return load_configuration(path).kafka

    return load


def test_nothing_is_published_without_the_table(read: Read) -> None:
    assert read("") is None


def test_the_table_names_brokers_topic_and_options(read: Read) -> None:
    settings = read(SECURE)
    assert settings is not None
    assert settings.bootstrap_servers == ("broker1.example.org:9092", "broker2.example.org:9092")
    assert settings.options["security.protocol"] == "SASL_SSL"
    assert settings.secret_options == {"sasl.password": "TRXAS_KAFKA_PASSWORD"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('bootstrap_servers = ["broker"]', "give host and port"),
        ("bootstrap_servers = []", "bootstrap_servers"),
        ('topic = "7id documents"', "1 to 249 letters"),
        ("timeout_s = 0.1", "from 1 up to 86400 s"),
        ('options = {"bootstrap.servers" = "a:1"}', "give it as bootstrap_servers"),
        ('options = {debug = "all"}', "it would write to the terminal"),
    ],
)
def test_a_wrong_key_is_refused_with_its_remedy(read: Read, line: str, said: str) -> None:
    key = line.partition(" ")[0]
    others = [other for other in SECURE.splitlines() if not other.startswith(f"{key} ")]
    with pytest.raises(ConfigurationError, match=said):
        read("\n".join([*others, line]))


@pytest.mark.parametrize(
    "line",
    [
        'options = {"sasl.password" = "hunter-2"}',
        'options = {"ssl.key.pem" = "hunter-2"}',
        'secret_options = {"sasl.password" = "hunter-2"}',
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_repeated(read: Read, line: str) -> None:
    key = line.partition(" ")[0]
    others = [other for other in SECURE.splitlines() if not other.startswith(f"{key} ")]
    with pytest.raises(ConfigurationError, match="environment variable") as refused:
        read("\n".join([*others, line]))
    assert "hunter-2" not in str(refused.value)


def test_a_missing_secret_is_named_before_the_session_opens(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRXAS_KAFKA_PASSWORD", raising=False)
    settings = read(SECURE)
    assert settings is not None
    with pytest.raises(ConfigurationError, match="TRXAS_KAFKA_PASSWORD is not set"):
        kafka_publisher(settings)
