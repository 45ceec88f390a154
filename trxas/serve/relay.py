"""The relay of a data folder as a process: `python -m trxas.serve.relay --data FOLDER`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from broadcast.__main__ import main as relay_main
from trxas.serve.journal_archive import JournalArchive


def main() -> int:
    """Run the relay with the folder's journal behind it; other options are those of `python -m broadcast`."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--data", type=Path, required=True)
    options, others = parser.parse_known_args()
    return relay_main(others, archive=JournalArchive(options.data))


if __name__ == "__main__":
    sys.exit(main())
