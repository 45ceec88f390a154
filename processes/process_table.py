"""What processes use, as Linux tells it (proc(5))."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True)
class Use:
    """Memory that is resident, MB; open files; threads."""

    memory_mb: float
    files: int
    threads: int


def use_of(pid: int) -> Use | None:
    """What a process uses; None if it has ended."""
    try:
        lines = (PROC / str(pid) / "status").read_text(encoding="utf-8").splitlines()
        files = sum(1 for _ in (PROC / str(pid) / "fd").iterdir())
    except OSError:
        return None
    fields = dict(line.split(":", 1) for line in lines)
    if "VmRSS" not in fields:
        return None  # a zombie
    return Use(int(fields["VmRSS"].split()[0]) / 1e3, files, int(fields["Threads"]))


def family(pid: int) -> set[int]:
    """The process and all its descendants."""
    parents: dict[int, int] = {}
    for entry in PROC.iterdir():
        if entry.name.isdecimal():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found, size = {pid}, 0
    while size < len(found):
        size = len(found)
        found |= {child for child, parent in parents.items() if parent in found}
    return found


def name_of(pid: int) -> str:
    """What a process runs, in a word: its module or program."""
    try:
        words = (PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return "ended"
    if "processes.keeper" in words:
        return "keeper"
    module = words[words.index("-m") + 1] if "-m" in words else next((w for w in words[1:] if "/" in w), words[0])
    return module.rpartition("/")[2].removeprefix("trxas.")
