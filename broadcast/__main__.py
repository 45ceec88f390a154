"""A relay as a process: `python -m broadcast`."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from dataclasses import asdict

from broadcast.relay import LOOPBACK, Relay, RunArchive
from processes.parent import end_with_parent


def main(arguments: list[str] | None = None, *, archive: RunArchive | None = None) -> int:
    """Relay until SIGINT or SIGTERM, after a ready line with the addresses as JSON; return the exit code 0.

    `archive`: stored runs to fill gaps from. Raises zmq.ZMQError if a port is taken.
    """
    options = _parser().parse_args(arguments)
    relay = Relay(interface=options.interface, ports=tuple(options.ports), archive=archive)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: relay.stop())
    if options.stop_with_stdin:
        end_with_parent()
    sys.stdout.write(f"relay ready: {json.dumps(asdict(relay.addresses))}\n")
    sys.stdout.flush()
    relay.run()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m broadcast", description=__doc__)
    ports = ("PUBLISH", "SUBSCRIBE", "ASK")
    parser.add_argument("--ports", type=int, nargs=3, default=(0, 0, 0), metavar=ports, help="0 takes a free one")
    parser.add_argument("--interface", default=LOOPBACK, help="address to listen on")
    parser.add_argument("--stop-with-stdin", action="store_true", help="stop when standard input is closed")
    return parser


if __name__ == "__main__":
    sys.exit(main())
