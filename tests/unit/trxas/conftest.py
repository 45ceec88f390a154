"""Fixtures of `trxas`."""

from tests.support.fixtures.commands import data, refused

__all__ = ["data", "refused"]
