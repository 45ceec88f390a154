"""Fixtures of `storage`."""

from tests.support.fixtures.storage import (
    empty_catalogue,
    make_event_data,
    no_shared_tiled_settings,
    root,
    run_engine,
    scan,
    store,
)

__all__ = ["empty_catalogue", "make_event_data", "no_shared_tiled_settings", "root", "run_engine", "scan", "store"]
