"""Fixtures of `plans`."""

from tests.support.fixtures.plans import recorded

__all__ = ["recorded"]
