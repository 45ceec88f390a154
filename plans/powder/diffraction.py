"""Powder images of the thermostated cell on the Pilatus."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from devices.beamline import Beamline
from devices.names import AxisName, ShutterState
from plans.argument import MAXIMUM_REPEATS, Arg
from plans.engine.detection import powder_images
from plans.engine.spec import ScanSpec
from plans.limits import energy_limits
from plans.options import RunOptions, ScanOptions
from plans.parameters import ImageDwellS, TemperatureC
from plans.registry import Group, scan_plan

DIFFRACTION_ENERGY_EV = 12_900.0
"""Below both edges (paper, SI 2)."""

EnergyEv = Annotated[float, Arg("photon energy", unit="eV", limits=energy_limits)]
Images = Annotated[int, Arg("number of images", low=1, high=MAXIMUM_REPEATS)]


@scan_plan(
    group=Group.POWDER,
    order=2,
    detection=powder_images,
    own_keys=("energy_ev", "images", "exposure_s", "geometry"),
)
def diffraction(
    *,
    options: RunOptions,
    energy_ev: EnergyEv = DIFFRACTION_ENERGY_EV,
    dwell_s: ImageDwellS = 60.0,
    images: Images = 1,
    temperature_c: TemperatureC | None = None,
) -> ScanSpec:
    """Take powder images of the cell on the Pilatus; the laser stays blocked.

    The cell is put into the beam and brought to its temperature first. Neither laser nor jet is needed. The Pilatus'
    IOC writes the files, into `images/` of the data folder or the `folder` of `[pilatus]`; the run refers to them. One
    event per image: `pilatus_image`, with `i0`, `energy_ev` and `temperature_c`; the start document has the `geometry`.
    `storage.load_images(store, uid)` gives them as an array (images, 195, 487), -1 where masked, and so does
    databroker. Returns the run's uid.
    """

    def metadata(beamline: Beamline) -> Mapping[str, Any]:
        assert beamline.pilatus is not None  # the detection has checked that
        return {
            "energy_ev": float(energy_ev),
            "images": images,
            "exposure_s": float(dwell_s),
            "geometry": beamline.pilatus.geometry,
        }

    # Images are a scan without a moving axis: one point, the energy, and as many passes over it as images.
    return ScanSpec(
        axis=AxisName.ENERGY,
        points=[energy_ev],
        laser=ShutterState.CLOSED,
        metadata=metadata,
        temperature_c=temperature_c,
        options=ScanOptions(dwell_s=dwell_s, repeats=images, **vars(options)),
    )
