"""Fixtures of `broadcast`."""

from tests.support.fixtures.broadcast import relay_process, start_relay, until

__all__ = ["relay_process", "start_relay", "until"]
