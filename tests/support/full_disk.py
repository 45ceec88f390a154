"""A disk that fills up under the Pilatus."""

from __future__ import annotations

IMAGE_BYTES = 4 * 195 * 487

ROOM = 2 * IMAGE_BYTES + 100_000

ROOM_FOR_TWO_IMAGES = (
    f"import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, ({ROOM}, {ROOM})); "
    "from sim.__main__ import main; sys.exit(main(sys.argv[1:]))"
)
"""The simulation as a program for `python -c`; every file it writes ends after two images and their headers."""
