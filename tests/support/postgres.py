"""A PostgreSQL server of its own on a free port of loopback, where Debian's package is installed."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.waiting import COMMAND_S, WAIT_S, until

PROGRAMS = ("initdb", "postgres")
READY = "ready to accept connections"


def is_installed() -> bool:
    """Whether the server's programs are there; it refuses to run as root, which then needs the package's own user."""
    has_user = os.getuid() != 0 or any(entry.pw_name == "postgres" for entry in pwd.getpwall())
    return has_user and all(shutil.which(program) for program in PROGRAMS)


@contextmanager
def postgres(folder: Path, port: int) -> Iterator[str]:
    """Serve an empty database in `folder`; yields its address without a scheme."""
    folder.mkdir()
    user = "postgres" if os.getuid() == 0 else None
    if user is not None:
        shutil.chown(folder, user, user)
        # The folders of a test belong to root alone.
        for parent in list(folder.parents)[:4]:
            parent.chmod(parent.stat().st_mode | 0o011)
    data = folder / "data"
    make = ["initdb", "--pgdata", str(data), "--username", "trxas", "--auth", "trust", "--no-sync"]
    subprocess.run(make, cwd=folder, user=user, check=True, capture_output=True, timeout=COMMAND_S)
    serve = ["postgres", "-D", str(data), "-p", str(port), "-c", "listen_addresses=127.0.0.1"]
    serve += ["-c", f"unix_socket_directories={folder}", "-c", "fsync=off"]
    said = folder / "log"
    # A child of this process and not of pg_ctl, so that somebody waits for its end.
    with said.open("w") as log, subprocess.Popen(serve, cwd=folder, user=user, stdout=log, stderr=log) as server:
        try:
            until(lambda: READY in said.read_text(), said.read_text)
            yield f"trxas@127.0.0.1:{port}/postgres"
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(WAIT_S)
