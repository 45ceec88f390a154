"""If these fail, notes of people who write at the same moment are lost."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from storage.line_journal import LineJournal


def test_many_processes_write_whole_lines(tmp_path: Path) -> None:
    """Lost: notes of both, if two processes append at the same moment."""
    path = tmp_path / "lines"
    writers = [_forked_writer(path, name) for name in range(2)]
    assert [os.waitpid(writer, 0)[1] for writer in writers] == [0, 0]
    records = LineJournal(path).read()
    for name in range(2):
        assert [record["number"] for record in records if record["writer"] == name] == list(range(20))


def _forked_writer(path: Path, name: int) -> int:
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            file = LineJournal(path)
            for number in range(20):
                file.append([{"writer": name, "number": number, "text": "x" * 5000}])
            os._exit(0)
        os._exit(1)
    return child
