"""Every error trxas raises on purpose: one root, a few domains, each message with its remedy."""

from __future__ import annotations

from collections.abc import Iterable


class TrxasError(Exception):
    """Root of all errors that trxas raises on purpose; the command line prints it without a traceback."""


class InputError(TrxasError, ValueError):
    """A request was wrong, and was refused before anything moved."""


class OutOfRangeError(InputError):
    """A value lies outside its allowed range.

    `low` and `high` are the inclusive limits, in `unit`; `remedy` is the sentence on what to do.
    """

    def __init__(self, name: str, value: float, low: float, high: float, unit: str, remedy: str = "") -> None:
        remedy = remedy or f"Choose {name} within these limits."
        of_unit = f" {unit}" if unit else ""
        super().__init__(f"{name} = {value:g}{of_unit} is outside {low:g} to {high:g}{of_unit}. {remedy}")
        self.value = value
        self.low = low
        self.high = high
        self.unit = unit


class ConfigurationError(TrxasError):
    """A configuration file is missing, unreadable or incomplete."""


class PlugInError(TrxasError):
    """A package that trxas loads by an entry point provides something that cannot be used."""


class NotConnectedError(TrxasError, TimeoutError):
    """Process variables did not answer in time; `pv_names` lists every one of them."""

    def __init__(self, pv_names: Iterable[str], timeout_s: float) -> None:
        self.pv_names = sorted(pv_names)
        listing = "\n  ".join(self.pv_names)
        single = len(self.pv_names) == 1
        count = "1 PV" if single else f"{len(self.pv_names)} PVs"
        not_connected = "is not connected" if single else "are not connected"
        missing = f"did not answer within {timeout_s:g} s" if timeout_s > 0 else not_connected
        super().__init__(
            f"{count} {missing}:\n  {listing}\n"
            "Check that their IOC runs and that EPICS_CA_ADDR_LIST names its host and port; "
            "`trxas doctor` lists the state of all PVs."
        )


class InvalidReadingError(NotConnectedError):
    """A record is in INVALID alarm: its value is the last one known, not a measurement.

    It is handled like a lost connection, as the value is just as useless.
    """

    def __init__(self, pv_name: str, alarm: str, value: object) -> None:
        super().__init__([pv_name], 0.0)
        self.args = (
            f"{pv_name} is in INVALID alarm ({alarm}): its value {value} is the last one known, not a measurement. "
            "Check the device behind the record and its connection to the IOC.",
        )


class MotionError(TrxasError):
    """An axis did not reach its target."""


class NotSettledError(MotionError):
    """A temperature did not settle before its time-out; another attempt would only take that time again."""


class AcquisitionError(TrxasError):
    """A detector did not deliver the exposure that was triggered."""


class WaitedError(AcquisitionError):
    """The beamline did not return to its limits in the time that a scan waits for it."""


class HeldError(TrxasError):
    """Another session holds the beamline, or this session is read-only."""


class StorageError(TrxasError):
    """A document could not be written, or a stored run could not be read."""


class ReductionError(TrxasError):
    """The available data do not determine the requested quantity."""
