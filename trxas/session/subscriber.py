"""A subscriber of a session's documents: it receives them and cannot affect the run."""

from __future__ import annotations

import copy
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reduction.types import Document

logger = logging.getLogger("trxas")

Callback = Callable[[str, Any], object]
Seconds = float

CAPACITY = 10_000
"""Limit of documents queued for a subscriber, which is disconnected beyond it: a night of scans, about 50 MB."""


class Guarded:
    """A callback that is not called again after its first error, which is reported."""

    def __init__(self, callback: Callback) -> None:
        self._callback = callback
        self.name = name_of(callback)
        self.failed = False

    def __call__(self, name: str, doc: Document) -> None:
        """Pass on a copy of one document, which the callback may change as it likes."""
        if self.failed:
            return
        try:
            self._callback(name, copy.deepcopy(doc))
        except BaseException as error:  # noqa: BLE001  # reported
            # Any error, SystemExit and KeyboardInterrupt included: a callback that only watches must not end a run.
            self.leave_out(f"failed at a document of type {name!r}: {described(error)}")

    def leave_out(self, why: str) -> None:
        """Disconnect the callback, and report `why` unless that was done before."""
        if not self.failed:
            self.failed = True
            logger.error("%s %s. It gets no more documents; the run continues.", self.name, why)


class InOrder:
    """Callbacks that get each document one after the other, so that printed lines are in order.

    One that fails does not affect the others.
    """

    def __init__(self, *callbacks: Callback) -> None:
        self._members = [Guarded(callback) for callback in callbacks]

    def __call__(self, name: str, doc: Document) -> None:
        """Pass one document to every member that has not failed."""
        for member in self._members:
            member(name, doc)


class ThreadedSubscriber:
    """A callback with its own thread and a bounded queue of documents, which it gets in order.

    `put` belongs to the thread of the RunEngine and never waits for the callback. The thread starts with the first
    document and ends after `close`, when everything in the queue has been passed on.
    """

    def __init__(self, callback: Callback, *, capacity: int = CAPACITY) -> None:
        self.callback = callback
        self._guarded = Guarded(callback)
        self._capacity = capacity
        self._waiting: deque[tuple[str, Document]] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_closing = False
        # A document counts as done when the callback has returned from it, not when it has left the queue.
        self._done = 0
        self._put = 0

    @property
    def is_left_out(self) -> bool:
        """Whether the callback is disconnected and gets no more documents."""
        return self._guarded.failed

    def put(self, name: str, doc: Document) -> None:
        """Queue one document; if the queue is full, disconnect the subscriber."""
        with self._changed:
            if self._is_closing or self._guarded.failed:
                return
            full = len(self._waiting) >= self._capacity
            if not full:
                self._waiting.append((name, doc))
                self._put += 1
                self._changed.notify_all()
                self._start()
        if full:
            self._leave_out(f"is {self._capacity} documents behind")

    def wait(self, timeout_s: Seconds) -> None:
        """Return when the callback has received everything put so far, or has failed, or after `timeout_s`.

        A callback that does not return from one document in all that time is disconnected.
        """
        # A callback may run a plan or wait for the engine itself, on this thread: waiting here for its own end would
        # never return.
        if threading.current_thread() is self._thread:
            return
        deadline = time.monotonic() + timeout_s
        with self._changed:
            # The wait is for what was put until now, not for an empty queue: a run that continues would never let it
            # end. A subscriber that has not finished a single document in all that time is stuck in one; one that has
            # is only slow, and continues in the background.
            done = self._done
            target = self._put
            self._changed.wait_for(
                lambda: self._done >= target or self._guarded.failed, max(deadline - time.monotonic(), 0.0)
            )
            behind = 0 if self._guarded.failed else target - self._done
            is_stuck = behind > 0 and self._done == done
        if is_stuck:
            self._leave_out(f"has not returned from a document for {timeout_s:g} s")
        elif behind:
            logger.warning(
                "%s is %d documents behind after %g s; it continues in the background.",
                self._guarded.name,
                behind,
                timeout_s,
            )

    def close(self) -> None:
        """Take no more documents; those in the queue are still passed on."""
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()

    def _leave_out(self, why: str) -> None:
        self._guarded.leave_out(why)
        with self._changed:
            self._waiting.clear()
            self._changed.notify_all()

    def _start(self) -> None:
        if self._thread is None:
            # A daemon: a callback that never returns must not keep the process from ending.
            self._thread = threading.Thread(target=self._work, name=f"subscriber {self._guarded.name}", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        # The lock is held while the queue is read, never while the callback runs: the thread of the run must be
        # able to put the next document at any moment, whatever the callback does.
        while not self._guarded.failed:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._is_closing or self._guarded.failed)
                if not self._waiting:
                    return
                name, doc = self._waiting.popleft()
            self._guarded(name, doc)
            with self._changed:
                self._done += 1
                self._changed.notify_all()


class GuardedHook:
    """An attribute for a function that only watches, as `RE.waiting_hook`; it is not called again after an error."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        """Return the guarded function, or None if there is none."""
        return vars(instance).get(self._name)

    def __set__(self, instance: Any, hook: Callable[..., object] | None) -> None:
        vars(instance)[self._name] = None if hook is None else guarded_hook(hook, self._name)


def guarded_hook(hook: Callable[..., object], name: str) -> Callable[..., None]:
    """Return `hook` with its errors caught: the first is reported under `name`, and it is not called again."""
    failed = False

    def call(*args: Any, **kwargs: Any) -> None:
        nonlocal failed
        if failed:
            return
        try:
            hook(*args, **kwargs)
        except Exception as error:  # noqa: BLE001  # reported
            # A hook is called in the middle of the plan, on the thread of the RunEngine; it draws a progress bar.
            failed = True
            logger.error("%s %s failed: %s. It is not called again.", name, name_of(hook), described(error))

    return call


def name_of(callback: object) -> str:
    """Return the name of a callback for messages: that of its function, its class, or its class and method."""
    return str(getattr(callback, "__qualname__", type(callback).__name__))


def described(error: BaseException) -> str:
    """Return kind and text of an error, and the line of code where it arose."""
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    if traceback is None:
        return text
    return f"{text} ({Path(traceback.tb_frame.f_code.co_filename).name}, line {traceback.tb_lineno})"
