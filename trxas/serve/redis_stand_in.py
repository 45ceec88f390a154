"""A Redis in memory, for the queue of a demo: `python -m trxas.serve.redis_stand_in`."""

from __future__ import annotations

import os
import sys
import threading

from fakeredis import TcpFakeServer

from broadcast.relay import LOOPBACK


def main() -> int:
    """Serve on a free port until standard input is closed; prints a ready line."""
    server = TcpFakeServer((LOOPBACK, 0))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"redis ready: {LOOPBACK}:{server.server_address[1]}\n")
    sys.stdout.flush()
    os.read(sys.stdin.fileno(), 1)
    # Its threads wait for clients that may never leave.
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
