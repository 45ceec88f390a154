"""Parts of a benchmark in processes of their own."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from processes.child import Child, ChildProgram
from trxas.benchmarks.entry import Entries, Entry

LONGEST_S = 7200.0
"""Longest time of a part, s: the run of 1e6 events is stored and read in half an hour."""

FAILED = "failed"
"""Key of the parts that could not be measured, with their errors, among the numbers."""


def measured_apart(part: str, options: Sequence[str]) -> tuple[Entries, dict[str, str]]:
    """Return the entries of `trxas bench PART` with `options` in a new process, and the error of a part that failed."""
    # Channel Access finds the servers that its environment named when it was first used, and memory and imports of the
    # parts before would count as those of a window. So no two parts share a process.
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "numbers.json"
        program = ChildProgram(
            name=f"benchmark of {part}",
            command=[sys.executable, "-m", "processes.keeper", *command_of(part, file), *options],
            separate_errors=True,
        )
        with Child(program) as child:
            ended = child.wait_ended(LONGEST_S)
        if not file.exists():
            what = f"ended with exit code {child.exit_code}" if ended else f"took longer than {LONGEST_S:g} s"
            return {}, {part: f"The process {what}, without any numbers. Its last output:\n{child.last_words()}"}
        numbers = json.loads(file.read_text(encoding="utf-8"))
    failed: dict[str, str] = numbers.pop(FAILED, {})
    del numbers["machine"]
    return {key: Entry(**entry) for key, entry in numbers.items()}, failed


def command_of(part: str, file: Path) -> list[str]:
    """Return the command that measures a part and writes its numbers to `file`."""
    return [sys.executable, "-m", "trxas.commands.main", "bench", part, "--json", str(file)]
