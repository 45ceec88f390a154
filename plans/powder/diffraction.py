"""Powder images of the thermostated cell on the Pilatus."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from devices.beamline import Beamline
from plans.engine.detection import powder_images
from plans.engine.request import ScanRequest, check_number_of, check_request
from plans.engine.scanning import ScanPlan, scan

DIFFRACTION_ENERGY_EV = 12_900.0
"""Below both edges (paper, SI 2)."""


def diffraction(
    beamline: Beamline,
    *,
    energy_ev: float = DIFFRACTION_ENERGY_EV,
    exposure_s: float = 60.0,
    images: int = 1,
    temperature_c: float | None = None,
    sample: str = "",
    series: str = "",
    md: Mapping[str, Any] | None = None,
    approach: str | None = None,
) -> ScanPlan:
    """Take powder images of the cell; the Pilatus' IOC writes them, the run refers to them, the laser stays blocked.

    The cell is put into the beam and brought to its temperature first. Neither laser nor jet is needed. One event per
    image: `pilatus_image`, with `i0`, `energy_ev` and `temperature_c`; the start document has the `geometry`.

    Parameters
    ----------
    energy_ev : photon energy, eV.
    exposure_s : beam time per image, s; `i0` counts as long.
    images : number of images.
    temperature_c : of the powder, C: the images begin when it has settled there. Without it the cell stays as it is.
    sample, series, md : what goes into the run's metadata; runs of one series are combined.
    approach : "below" or "direct", how a long move down in energy ends; as configured by default.

    Returns the run's uid. Raises InputError, ConfigurationError, NotConnectedError, AcquisitionError or StorageError
    before anything has moved, NotSettledError if the temperature does not settle, StorageError if an image cannot be
    written; images before it are kept.
    """
    request = diffraction_request(
        beamline,
        energy_ev=energy_ev,
        exposure_s=exposure_s,
        images=images,
        temperature_c=temperature_c,
        sample=sample,
        series=series,
        md=md,
        approach=approach,
    )
    return (yield from scan(beamline, request))


def diffraction_request(
    beamline: Beamline, *, energy_ev: float, exposure_s: float, images: int, **options: Any
) -> ScanRequest:
    """Arguments of `diffraction`, checked; raises as that does for what is wrong with them."""
    detection = powder_images(beamline)
    assert detection.pilatus is not None  # powder_images has one
    detection.pilatus.check_exposure(exposure_s)
    check_number_of(images, "images")
    beamline.energy.check_value(energy_ev)
    own = {
        "energy_ev": float(energy_ev),
        "images": images,
        "exposure_s": float(exposure_s),
        "geometry": detection.pilatus.geometry,
    }
    return check_request(
        beamline,
        plan_name="diffraction",
        edge=None,
        axis="energy_ev",
        points=[energy_ev],
        fixed={},
        dwell_s=exposure_s,
        repeats=images,
        shutter_reference="none",
        laser="closed",
        own_md=own,
        detection=detection,
        **options,
    )
