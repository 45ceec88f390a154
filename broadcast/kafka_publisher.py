"""The session's way to a Kafka topic: it must never hold up, fail or distort an acquisition."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from broadcast.kafka import KafkaTarget, Producer, connect, pack

logger = logging.getLogger(__name__)

ASK_EVERY_S = 10.0
"""Period of questions for a broker while documents are left out, s."""

NAMED_RUNS = 10
"""Largest number of runs that a message names one by one."""

_POLL_S = 0.25
_ANSWER_S = 2.0
_LAST_WORDS_S = 1.0

Connect = Callable[[KafkaTarget, Callable[[Any], None]], Producer]


@dataclass(kw_only=True)
class _Run:
    """A run, and the number of its documents that were not published."""

    uid: str = ""
    scan_id: object = None
    lost: int = 0

    def __str__(self) -> str:
        return f"run {self.scan_id} ({self.uid[:8]})" if self.uid else "no run"


class KafkaPublisher:
    """RunEngine callback that publishes every document to a Kafka topic; a call takes about 50 us and never raises.

    Documents of a run have its uid as their key, so that they stay in order. Raises ConfigurationError if the client
    is not installed or refuses an option, but not if no broker answers.
    """

    # librdkafka queues and sends on its own threads, and finds brokers that were away. Two states here:
    # - publishing: every document is queued. The first that is refused, or that no broker took in time, changes to
    # - left out: what waits is dropped, and the rest of the run is not queued. The thread asks for a broker from time
    #   to time; when one has answered, the next start document changes back.
    # Invariant: of each run a consumer gets all documents, or those up to one of them. A run without its end can be
    # recognised, one with a hole might not be. What is missing is counted per run and named, once.

    def __init__(self, target: KafkaTarget, *, connect: Connect = connect, ask_every_s: float = ASK_EVERY_S) -> None:
        self._target = target
        self._connect = connect
        self._ask_every_s = ask_every_s
        self._lock = threading.Lock()
        self._run = _Run()
        self._incomplete: list[_Run] = []
        self._is_left_out = False
        self._has_returned = False
        self._is_absent = False
        self._latest_error = ""
        self._asked_at = 0.0
        self._producer = connect(target, self._hear_error)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="Kafka publisher", daemon=True)
        self._thread.start()

    def __call__(self, name: str, doc: Mapping[str, Any]) -> None:
        """Queue one document; an error is logged, never raised."""
        try:
            if name == "start":
                self._begin(doc)
            self._put(name, doc)
        except Exception as error:  # noqa: BLE001  # reported
            # The RunEngine ends the plan over any error of a recorder. The journal has the document.
            self._lose(self._run, error)

    def close(self, timeout_s: float = 5.0) -> None:
        """Wait up to `timeout_s` seconds for a broker to take the waiting documents, and log the unpublished ones.

        If no broker answers, it waits for a second at most. Raises nothing, and may be called twice.
        """
        if self._closing.is_set():
            return
        self._closing.set()
        try:
            self._thread.join(2 * _ANSWER_S)
            with self._lock:
                is_absent = self._is_left_out or self._is_absent
            self._producer.flush(min(timeout_s, _LAST_WORDS_S) if is_absent else timeout_s)
            self._drop_waiting()
            self._name_losses()
        except Exception:
            # The store is closed after this, whatever a client of another project may raise.
            logger.exception("The Kafka client could not be closed.")

    def _begin(self, start: Mapping[str, Any]) -> None:
        with self._lock:
            self._run = _Run(uid=str(start["uid"]), scan_id=start.get("scan_id"))
            returns = self._is_left_out and self._has_returned
            self._is_left_out = self._is_left_out and not returns
            self._is_absent = self._is_absent and not returns
        if returns:
            logger.warning("Kafka takes documents again, from %s on.", self._run)
            self._name_losses()

    def _put(self, name: str, doc: Mapping[str, Any]) -> None:
        value = b"" if self._is_left_out else pack(name, doc)
        # Queued under the lock, within some us: after the change to left out, nothing is queued.
        with self._lock:
            run = self._run
            if self._is_left_out or not value:
                self._count(run)
                return
            report = partial(self._hear_delivery, run)
            self._producer.produce(self._target.topic, value=value, key=run.uid.encode(), on_delivery=report)

    def _count(self, run: _Run) -> None:
        run.lost += 1
        if run.lost == 1:
            self._incomplete.append(run)

    def _lose(self, run: _Run, error: object) -> None:
        with self._lock:
            self._count(run)
            is_first = not self._is_left_out
            self._is_left_out = True
            self._has_returned = self._has_returned and not is_first
            latest = f"; {self._latest_error}" if self._latest_error else ""
        if is_first:
            logger.warning(
                "Kafka %s did not take a document of %s: %s%s. The run continues and is stored; the rest of it is not "
                "published.",
                ", ".join(self._target.servers),
                run,
                self._target.public(error),
                latest,
            )

    def _hear_delivery(self, run: _Run, error: Any, _message: object) -> None:
        if error is not None:
            self._lose(run, error.str())
            return
        with self._lock:
            self._is_absent = False
            self._latest_error = ""

    def _hear_error(self, error: Any) -> None:
        # A broker that closes an idle connection is an error, too: only the loss of all of them is worth a line.
        with self._lock:
            self._latest_error = self._target.public(error.str())
            is_new = error.name() in ("_ALL_BROKERS_DOWN", "_AUTHENTICATION") and not self._is_absent
            self._is_absent = self._is_absent or is_new
            is_new = is_new and not self._is_left_out
        if is_new:
            logger.warning(
                "No Kafka broker answers at %s: %s. Runs are measured and stored; their documents wait up to %g s.",
                ", ".join(self._target.servers),
                self._latest_error,
                self._target.timeout_s,
            )

    def _work(self) -> None:
        while not self._closing.is_set():
            self._producer.poll(_POLL_S)
            with self._lock:
                is_waiting = self._is_left_out and not self._has_returned
            if is_waiting:
                self._drop_waiting()
                self._ask()

    def _ask(self) -> None:
        """Ask for a broker, every 10 s; if one knows the topic, take a new producer: the old one may be unusable."""
        if time.monotonic() - self._asked_at < self._ask_every_s:
            return
        try:
            found = self._producer.list_topics(self._target.topic, timeout=_ANSWER_S).topics[self._target.topic]
            if found.error is not None:
                return
            new = self._connect(self._target, self._hear_error)
        except Exception:  # noqa: BLE001  # asked again; why no broker answers is known from `_hear_error`
            return
        finally:
            self._asked_at = time.monotonic()
        with self._lock:
            # The old producer ends here and not in `_begin`: joining its threads takes up to 50 ms.
            self._producer = new
            self._has_returned = True

    def _drop_waiting(self) -> None:
        self._producer.purge()
        self._producer.poll(0)

    def _name_losses(self) -> None:
        with self._lock:
            runs = self._incomplete
            self._incomplete = []
        if not runs:
            return
        named = [f"{run} lacks {run.lost}" for run in runs]
        if len(named) > NAMED_RUNS:
            between = f"{len(named) - NAMED_RUNS} runs in between"
            named = [*named[: NAMED_RUNS // 2], between, *named[-NAMED_RUNS // 2 :]]
        logger.warning(
            "Documents that are not in the Kafka topic %s: %s. The data folder has all of them.",
            self._target.topic,
            ", ".join(named),
        )
