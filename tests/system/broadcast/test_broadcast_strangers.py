"""If these fail, a stranger who reaches a socket runs programs as its owner, or reaches it from another machine."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zmq

from broadcast.publisher import Publisher
from broadcast.relay import RelayAddresses
from broadcast.subscriber import Subscriber
from broadcast.wire import Relayed, Sent, unpack
from tests.support.live_runs import energy_run

Until = Callable[[Callable[[], bool], str], None]


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


@pytest.fixture
def sprung(tmp_path: Path) -> Path:
    """What a pickle would make."""
    pickle.loads(pickle.dumps(Trap(tmp_path / "trap works")))
    assert (tmp_path / "trap works").exists()
    return tmp_path / "sprung"


def test_pickles_are_not_opened(start_relay: Any, until: Until, sprung: Path) -> None:
    """To the relay as a session and as a window, and to a window as a relay; all go on."""
    payload = pickle.dumps(Trap(sprung))
    with pytest.raises(ValueError, match="unpack"):
        unpack(payload)
    with zmq.Context() as context, start_relay() as relay:
        sender, asker = context.socket(zmq.PUSH), context.socket(zmq.DEALER)
        sender.connect(relay.addresses.publish)
        asker.connect(relay.addresses.ask)
        sender.send(Sent("stranger", 0, "run", "start", payload).frame())
        sender.send(payload)
        asker.send(payload)
        subscriber, publisher = Subscriber(relay.addresses), Publisher(relay.addresses.publish)
        received: list[Any] = []
        for name, doc in energy_run():
            publisher(name, doc)
        until(lambda: received.extend(subscriber.take(0.05).documents) or len(received) >= len(energy_run()), "it all")  # type: ignore[func-returns-value]
        publisher.close()
        subscriber.close()
        for stranger in (sender, asker):
            stranger.close(0)
    assert not sprung.exists()


def test_a_window_opens_no_pickle_of_a_false_relay(sprung: Path, until: Until) -> None:
    with zmq.Context() as context:
        false, questions = context.socket(zmq.PUB), context.socket(zmq.ROUTER)
        ports = [socket.bind_to_random_port("tcp://127.0.0.1") for socket in (false, questions)]
        addresses = RelayAddresses(
            publish="tcp://127.0.0.1:1",
            subscribe=f"tcp://127.0.0.1:{ports[0]}",
            ask=f"tcp://127.0.0.1:{ports[1]}",
        )
        subscriber = Subscriber(addresses)
        payload = pickle.dumps(Trap(sprung))

        def refused() -> bool:
            false.send(Relayed(1, "start", payload).frame())
            try:
                subscriber.take(0.05)
            except ValueError:
                return True
            return False

        until(refused, "the window to hear the false relay")
        subscriber.close()
        for socket in (false, questions):
            socket.close(0)
    assert not sprung.exists()


def test_a_relay_is_on_this_machine_alone_unless_told_otherwise(start_relay: Any) -> None:
    with start_relay() as relay:
        assert all(address.startswith("tcp://127.0.0.1:") for address in vars(relay.addresses).values())
    with start_relay(interface="0.0.0.0") as relay:
        assert all(address.startswith("tcp://0.0.0.0:") for address in vars(relay.addresses).values())
