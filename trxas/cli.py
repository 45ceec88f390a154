"""The command line: `trxas <command>`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from errors import TrxasError
from trxas.commands import bench, chaos, coverage, demo, doctor, gui, ipython, paper, runs, serve, sim

COMMANDS = (demo, sim, ipython, serve, gui, doctor, runs, paper, coverage, chaos, bench)

EXIT_ERROR = 2
EXIT_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; errors of ours are printed as one message, not as a traceback. Returns the exit code."""
    options = parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except TrxasError as error:
        print(f"trxas: {error}", file=sys.stderr)
        return EXIT_ERROR
    except KeyboardInterrupt:
        print("trxas: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED


def parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    top = argparse.ArgumentParser(prog="trxas", description=__doc__)
    subparsers = top.add_subparsers(required=True, metavar="command")
    for command in COMMANDS:
        command.add_parser(subparsers)
    return top


if __name__ == "__main__":
    sys.exit(main())
