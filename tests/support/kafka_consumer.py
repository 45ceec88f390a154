"""Someone else's consumer: `python -m tests.support.kafka_consumer ADDRESS TOPIC RUNS FILE`.

It reads documents with bluesky_kafka, unchanged, until the given number of runs has ended, and writes a journal, which
keeps the types of arrays.
"""

from __future__ import annotations

import sys
import uuid
from pathlib import Path
from typing import Any

from bluesky_kafka import RemoteDispatcher

from storage.records import MAGIC, pack_record


def main(address: str, topic: str, runs: str, path: str) -> None:
    """Read from the beginning of the topic; print each stop document's run."""
    ended = 0
    dispatcher = RemoteDispatcher([topic], address, uuid.uuid4().hex, {"auto.offset.reset": "earliest"})
    with Path(path).open("wb") as journal:
        journal.write(MAGIC)

        def hear(name: str, doc: dict[str, Any]) -> None:
            nonlocal ended
            journal.write(pack_record(name, doc))
            journal.flush()
            if name == "stop":
                ended += 1
                print(doc["run_start"], flush=True)  # noqa: T201

        dispatcher.subscribe(hear)
        dispatcher.start(continue_polling=lambda: ended < int(runs))


if __name__ == "__main__":
    main(*sys.argv[1:])
