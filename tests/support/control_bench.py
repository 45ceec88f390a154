"""A session's engine under remote control, with a scan to pause and resume."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
import ophyd.sim
from bluesky.utils import Msg

from tests.support.waiting import WAIT_S, until
from trxas.session.remote_control import PauseAnswer, RemotelyPausableEngine

POINTS = 5


class Bench:
    """An engine, what it has said and measured, and a plan that waits at the points to `hold`."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.documents: list[tuple[str, dict[str, Any]]] = []
        self.engine = RemotelyPausableEngine({}, say=self.said.append)
        self.engine.subscribe(lambda name, doc: self.documents.append((name, doc)))
        self.reached = [threading.Event() for _ in range(POINTS)]
        self.go_on = [threading.Event() for _ in range(POINTS)]
        for event in self.go_on:
            event.set()
        self.failures: list[BaseException] = []

    def plan(self) -> Generator[Msg, Any, None]:
        @bpp.run_decorator(md={"plan_name": "plan"})
        def run() -> Generator[Msg, Any, None]:
            for number in range(POINTS):
                yield from bps.checkpoint()
                self.reached[number].set()
                while not self.go_on[number].is_set():
                    yield from bps.sleep(0.01)
                yield from bps.create()
                yield from bps.read(ophyd.sim.det1)
                yield from bps.save()

        yield from run()

    @property
    def events(self) -> int:
        return sum(name == "event" for name, _ in self.documents)

    @property
    def exit_status(self) -> str:
        return str(self.documents[-1][1]["exit_status"])

    @contextmanager
    def somebody(self, *steps: Callable[[], object]) -> Iterator[None]:
        """Takes `steps` in another thread, one after the other, while the plan runs here."""

        def work() -> None:
            try:
                for step in steps:
                    step()
            except BaseException as error:
                self.failures.append(error)
                # Nothing else would end a plan that waits for the next step.
                signal.raise_signal(signal.SIGINT)
                raise

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            thread.join(WAIT_S)
        assert not thread.is_alive()
        assert self.failures == []

    def hold(self, number: int) -> None:
        self.go_on[number].clear()

    def reach(self, number: int) -> Callable[[], None]:
        return lambda: until(self.reached[number].is_set, f"point {number}")

    def let_go(self, number: int) -> Callable[[], None]:
        return self.go_on[number].set

    def pause(self, *, at_next_point: bool = False) -> Callable[[], None]:
        return lambda: self.engine.pause(at_next_point=at_next_point)

    def paused(self) -> None:
        until(lambda: self.engine.public_state == "paused", lambda: self.engine.public_state)

    def answer(self, answer: PauseAnswer) -> Callable[[], None]:
        return lambda: self.engine.answer(answer)
