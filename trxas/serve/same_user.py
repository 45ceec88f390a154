"""Whether a connection within this machine comes from a process of the same user, by the connection table of Linux."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

TABLE = Path("/proc/net/tcp")
"""Table of connections with the user who owns each end (proc_pid_net(5)); it exists on Linux only."""

Address = tuple[str, int]


def is_of_same_user(client: Address, server: Address) -> bool:
    """Return whether this user owns the end `client` of an IPv4 connection to `server`; True outside Linux.

    Raises OSError if the kernel's table of connections cannot be read, or for an address that is not IPv4.
    """
    if not TABLE.exists():
        return True
    # The kernel lists both ends of a connection within this machine, each with the user who owns it. The line is that
    # of the client's end; ours would show our own user in any case.
    ends = [_as_in_table(client), _as_in_table(server)]
    rows = (line.split() for line in TABLE.read_text(encoding="ascii").splitlines()[1:])
    return any(row[1:3] == ends and int(row[7]) == os.getuid() for row in rows)


def _as_in_table(address: Address) -> str:
    host, port = address
    # The four bytes as a number of this machine, which puts the last one first.
    return f"{int.from_bytes(socket.inet_aton(host), sys.byteorder):08X}:{port:04X}"
