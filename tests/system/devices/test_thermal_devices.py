"""If these fail, the devices of the powder cell pass on what no detector counts, or trust a cell that is not there."""

from __future__ import annotations

from devices.detectors.pilatus import Pilatus
from tests.support.fake_beamline import configuration


def test_the_start_document_gets_the_whole_geometry() -> None:
    settings = configuration().pilatus
    assert settings is not None
    pilatus = Pilatus(settings, prefix="geometry:", name="pilatus")
    assert pilatus.geometry == {
        "distance_m": 0.2410,
        "offset_m": [0.0453, 0.0],
        "pixel_m": 172e-6,
        "shape": [195, 487],
        "polarization": 1.0,
    }
