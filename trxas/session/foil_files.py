"""Curves of reference foils from the files that the configuration names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devices.configuration import FoilSettings
from errors import ConfigurationError, ReductionError
from reduction.xas.calibration import read_xdi


def read_foil_files(foils: Mapping[str, FoilSettings]) -> dict[str, Any]:
    """Return the curves of reference files, eV, by the names of their tables, as `FoilReferences.files` has them.

    Raises ConfigurationError for a file that cannot be read or is not a transmission spectrum.
    """
    return {name: _curve(name, settings) for name, settings in foils.items()}


def _curve(name: str, settings: FoilSettings) -> dict[str, Any]:
    try:
        spectrum = read_xdi(settings.path)
    except (OSError, UnicodeDecodeError, ReductionError) as error:
        raise ConfigurationError(
            f"[foils.{name}] reference = {settings.reference!r} cannot be used: {error} Correct the path or the "
            "file, or remove the table."
        ) from error
    return {
        "energy_ev": (spectrum.energy_ev + settings.offset_ev).tolist(),
        "absorption": spectrum.absorption.tolist(),
        "error_ev": settings.error_ev,
        "source": settings.path.name,
    }
