"""Errors of the simulation; it shares none with the control side."""

from __future__ import annotations


class SimulationInputError(ValueError):
    """A sample file, an option or a written value is wrong; nothing was changed."""


class PortTakenError(SimulationInputError):
    """A server cannot have the port it was told to use.

    `interface` and `port` are the address that somebody else holds.
    """

    def __init__(self, interface: str, port: int, reason: str) -> None:
        super().__init__(
            f"Channel Access port {interface}:{port} is not available ({reason}). "
            "Another IOC is probably running there: stop it, choose another port, or use port 0 for a free one."
        )
        self.interface, self.port = interface, port


class CountError(ValueError):
    """A simulated detector returned what no detector can count: a fault of the simulation, not of a client."""


class RecordBusyError(SimulationInputError):
    """A record was told to start what it is already doing, or to change what its motion depends on."""
