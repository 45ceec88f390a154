"""A PostgreSQL server of its own on a free port of loopback, where Debian's package is installed."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.waiting import COMMAND_S

PROGRAMS = ("initdb", "pg_ctl")


def is_installed() -> bool:
    """Whether the server's programs are there; it refuses to run as root, which then needs the package's own user."""
    has_user = os.getuid() != 0 or any(entry.pw_name == "postgres" for entry in pwd.getpwall())
    return has_user and all(shutil.which(program) for program in PROGRAMS)


@contextmanager
def postgres(folder: Path, port: int) -> Iterator[str]:
    """Serve an empty database in `folder`; yields its address without a scheme."""
    folder.mkdir()
    as_user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    if as_user:
        shutil.chown(folder, "postgres", "postgres")
        # The folders of a test belong to root alone.
        for parent in list(folder.parents)[:4]:
            parent.chmod(parent.stat().st_mode | 0o011)

    def run(*command: str) -> None:
        subprocess.run([*as_user, *command], cwd=folder, check=True, capture_output=True, timeout=COMMAND_S)

    data = folder / "data"
    run("initdb", "--pgdata", str(data), "--username", "trxas", "--auth", "trust", "--no-sync")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
    run("pg_ctl", "--pgdata", str(data), "--wait", "--log", str(folder / "log"), "--options", options, "start")
    try:
        yield f"trxas@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "--pgdata", str(data), "--mode", "immediate", "stop")
