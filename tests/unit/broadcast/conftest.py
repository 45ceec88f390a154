"""Relays in this process, and as processes of their own with a journal behind them."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from broadcast.relay import Relay, RelayAddresses
from tests.support import waiting
from tests.support.waiting import WAIT_S

REPOSITORY = Path(__file__).parents[3]
START_TIMEOUT_S = 240.0


@dataclass
class RelayProcess:
    """A relay that can be killed and started again at the same place."""

    data: Path
    process: subprocess.Popen[str] | None = None
    addresses: RelayAddresses | None = None

    def start(self) -> None:
        ports = ["0", "0", "0"]
        if self.addresses is not None:
            ports = [address.rpartition(":")[2] for address in vars(self.addresses).values()]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "trxas.serve.relay", "--data", str(self.data), "--ports", *ports,
             "--stop-with-stdin"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY, env=dict(os.environ),
        )  # fmt: skip
        assert self.process.stdout is not None
        assert select.select([self.process.stdout], [], [], START_TIMEOUT_S)[0], "the relay did not start"
        line = self.process.stdout.readline()
        assert line.startswith("relay ready: "), line
        self.addresses = RelayAddresses(**json.loads(line.removeprefix("relay ready: ")))

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(START_TIMEOUT_S)
            for pipe in (self.process.stdin, self.process.stdout):
                if pipe is not None:
                    pipe.close()
            self.process = None


@pytest.fixture
def relay_process(tmp_path: Path) -> Iterator[RelayProcess]:
    relay = RelayProcess(tmp_path / "data")
    relay.start()
    yield relay
    relay.kill()


StartRelay = Callable[..., contextlib.AbstractContextManager[Relay]]


@pytest.fixture
def start_relay() -> StartRelay:
    """`with start_relay(...) as relay:` runs one in a thread."""

    @contextlib.contextmanager
    def start(**settings: Any) -> Iterator[Relay]:
        relay = Relay(**settings)
        thread = threading.Thread(target=relay.run)
        thread.start()
        try:
            yield relay
        finally:
            relay.stop()
            thread.join(WAIT_S)
            assert not thread.is_alive()

    return start


@pytest.fixture
def until() -> Callable[[Callable[[], bool], str], None]:
    """`until(condition, what)` waits for a condition."""
    return waiting.until
