"""A thread that waits for the disk: `fsync` of what was written, while the next exposure is prepared."""

from __future__ import annotations

import os
import queue
import threading


class Syncing:
    """One `fsync` in progress. `wait` returns when it has ended, and raises OSError if the disk refused."""

    # A plain lock, released by the thread, costs a tenth of a `concurrent.futures.Future`: an event has to pass it in
    # the time in which nothing is counted.
    __slots__ = ("_ended", "error")

    def __init__(self) -> None:
        self.error: OSError | None = None
        self._ended = threading.Lock()
        self._ended.acquire()

    def end(self, error: OSError | None) -> None:
        """Note that the disk has answered, with the `error` that `wait` raises if it refused; to be called once."""
        self.error = error
        self._ended.release()

    def wait(self) -> None:
        """Wait for the answer of the disk; raises OSError if it refused. May be called once."""
        self._ended.acquire()
        if self.error is not None:
            raise self.error


class DiskThread:
    """One thread for all journals of a process, which starts with the first request."""

    def __init__(self) -> None:
        self._requests: queue.SimpleQueue[tuple[int, Syncing] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def sync(self, descriptor: int) -> Syncing:
        """Begin to wait until everything written to an open file is on disk. Files are synced one after the other.

        Raises nothing if the disk refuses: the OSError is raised by `wait` of the result.
        """
        if self._thread is None:
            # A daemon: closing a file waits for its disk, and the interpreter need not wait for an idle thread.
            self._thread = threading.Thread(target=self._work, name="journal disk", daemon=True)
            self._thread.start()
        syncing = Syncing()
        self._requests.put((descriptor, syncing))
        return syncing

    def close(self) -> None:
        """End the thread when the requests so far are answered, and wait for that."""
        if self._thread is not None:
            self._requests.put(None)
            self._thread.join()
            self._thread = None

    def _work(self) -> None:
        while (request := self._requests.get()) is not None:
            descriptor, syncing = request
            try:
                os.fsync(descriptor)
            except OSError as error:
                syncing.end(error)
            else:
                syncing.end(None)
