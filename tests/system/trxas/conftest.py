"""Fixtures of `trxas`."""

from tests.support.fixtures.commands import data, refused, trxas

__all__ = ["data", "refused", "trxas"]
