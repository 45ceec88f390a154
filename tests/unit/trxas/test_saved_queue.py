"""If these fail, the plans that somebody queued for the night are gone after a restart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fakeredis import FakeServer, FakeStrictRedis

from errors import StorageError
from trxas.serve.saved_queue import QueueFile, content_of


def make_redis() -> Any:
    return FakeStrictRedis(server=FakeServer(), decode_responses=True)


def test_the_queue_is_that_of_the_last_server(tmp_path: Path) -> None:
    file = tmp_path / "serve" / "queue.json"
    first = make_redis()
    first.rpush("trxas_plan_queue", "one", "two", "µ")
    first.set("trxas_mode", '{"loop": false}')
    QueueFile(file, first).save()
    assert file.stat().st_mode & 0o077 == 0
    second = make_redis()
    QueueFile(file, second).load()
    assert content_of(second) == content_of(first)
    assert second.lrange("trxas_plan_queue", 0, -1) == ["one", "two", "µ"]


def test_only_a_change_is_written(tmp_path: Path) -> None:
    file = tmp_path / "queue.json"
    redis = make_redis()
    saved = QueueFile(file, redis)
    saved.load()
    saved.save()
    assert not file.exists()
    redis.set("a", "1")
    saved.save()
    written = file.stat().st_mtime_ns
    saved.save()
    assert file.stat().st_mtime_ns == written
    redis.delete("a")
    saved.save()
    assert file.read_text() == "{}"


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "queue.json"
    file.write_text(text)
    with pytest.raises(StorageError, match="Move the file away"):
        QueueFile(file, make_redis()).load()
