"""Errors of the simulation; it shares none with the control side."""

from __future__ import annotations


class SimulationInputError(ValueError):
    """A sample file, an option or a written value is wrong; nothing was changed."""


class PortTakenError(SimulationInputError):
    """The requested port of a server is taken.

    `interface` and `port` are the address that another program holds.
    """

    def __init__(self, interface: str, port: int, reason: str) -> None:
        super().__init__(
            f"Channel Access port {interface}:{port} is not available ({reason}). "
            "Another IOC is probably running there: stop it, choose another port, or use port 0 for a free one."
        )
        self.interface = interface
        self.port = port


class CountError(ValueError):
    """A simulated detector returned an impossible count: a bug of the simulation, not of a client."""


class RecordBusyError(SimulationInputError):
    """A record was asked to start an action that is already in progress, or to change a setting of its motion."""
