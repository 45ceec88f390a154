"""The command line: `trxas <command>`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from errors import TrxasError
from processes.parent import end_with_parent
from trxas.commands import bench, chaos, coverage, demo, doctor, gui, ipython, kills, paper, runs, serve, sim, soak

COMMANDS = (demo, sim, ipython, serve, gui, doctor, runs, paper, coverage, chaos, kills, soak, bench)

EXIT_ERROR = 2
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; errors of ours are printed as one message, not as a traceback. Returns the exit code."""
    options = parser().parse_args(arguments)
    if options.stop_with_stdin:
        end_with_parent()
    try:
        code = int(options.run(options))
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read it, as `head` does, has had enough; what is left in the buffer has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    except TrxasError as error:
        print(f"trxas: {error}", file=sys.stderr)
        return EXIT_ERROR
    except KeyboardInterrupt:
        print("trxas: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    return code


def parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    top = argparse.ArgumentParser(prog="trxas", description=__doc__)
    # For programs that start one of ours as a part of themselves.
    top.add_argument("--stop-with-stdin", action="store_true", help=argparse.SUPPRESS)
    subparsers = top.add_subparsers(required=True, metavar="command")
    for command in COMMANDS:
        command.add_parser(subparsers)
    return top


if __name__ == "__main__":
    sys.exit(main())
