"""A Redis in memory, saved to a file, for the queue: `python -m trxas.serve.redis_stand_in [FILE]`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from fakeredis import FakeStrictRedis, TcpFakeServer

from broadcast.relay import LOOPBACK
from processes.parent import end_with_parent
from trxas.serve.same_user import is_of_same_user
from trxas.serve.saved_queue import QueueFile


class OwnRedis(TcpFakeServer):
    """A Redis that accepts only the user it runs as.

    It has no passwords, and access to the queue is access to the plans of the beamline.
    """

    def verify_request(self, request: Any, client_address: tuple[str, int]) -> bool:
        """Return whether a connection is accepted."""
        # Redis itself would ask for a password, which the queue server cannot give. The operating system knows whose
        # connection it is.
        return is_of_same_user(client_address, request.getsockname())


def main() -> int:
    """Print a ready line with the address, and serve on a free port until standard input is closed.

    With a file the content of the last server is restored first. Raises StorageError if that is damaged.
    """
    server = OwnRedis((LOOPBACK, 0))
    if sys.argv[1:]:
        file = QueueFile(Path(sys.argv[1]), FakeStrictRedis(server=server.fake_server, decode_responses=True))
        file.load()
        file.keep_saving()
    sys.stdout.write(f"redis ready: {LOOPBACK}:{server.server_address[1]}\n")
    sys.stdout.flush()
    # SIGTERM is not handled: it ends the process at once, though its threads wait for clients that may never leave.
    end_with_parent()
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
