"""Memory, files and threads of running processes."""

from __future__ import annotations

from dataclasses import dataclass

import psutil


@dataclass(frozen=True, kw_only=True)
class ProcessUse:
    """Resident memory in MB (1e6 bytes), and the numbers of open files and of threads."""

    memory_mb: float
    files: int
    threads: int


def use_of(pid: int) -> ProcessUse | None:
    """Return the memory, in MB, the files and the threads of a process.

    Return None, and raise nothing, if it has ended or belongs to another user.
    """
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            # A process that has ended and was not waited for is a zombie, for which psutil still gives some numbers.
            if process.status() == psutil.STATUS_ZOMBIE:
                return None
            return ProcessUse(
                memory_mb=process.memory_info().rss / 1e6, files=process.num_fds(), threads=process.num_threads()
            )
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return None


def family(pid: int) -> set[int]:
    """Return the process ids of a process and of all its descendants; only `pid` itself if it has ended."""
    try:
        return {pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))}
    except psutil.NoSuchProcess:
        return {pid}


def name_of(pid: int) -> str:
    """Return the module or program that a process runs, as one word; "ended", without an error, if it has ended."""
    try:
        words = psutil.Process(pid).cmdline()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return "ended"
    if not words:
        return "ended"
    if "processes.keeper" in words:
        return "keeper"
    module = words[words.index("-m") + 1] if "-m" in words else next((w for w in words[1:] if "/" in w), words[0])
    return module.rpartition("/")[2].removeprefix("trxas.")
