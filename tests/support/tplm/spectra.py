"""Documents of spectra, as the simulated microscope would give them, without a microscope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sim.physics.tplm.sample import Film
from sim.physics.tplm.setting import Setting
from sim.physics.tplm.spectrum import Readout, draw_image, electrons_per_s

CENTRE_NM = 515.0
DWELL_S = 10.0
OPTICS = {
    "pixels": 1340, "rows": 100, "dispersion_nm": 0.44, "fwhm_nm": 3.0, "wavelength_error_nm": 0.2,
    "electrons_per_count": 1.0,
}  # fmt: skip


def spectrum_documents(
    film: Film, settings: Sequence[Setting], rng: np.random.Generator, **changes: Any
) -> list[tuple[str, dict[str, Any]]]:
    """One run: at every setting a spectrum with the laser shutter open, and one with it closed."""
    start = {
        "uid": f"spectra-{settings[0].temperature_k:g}", "plan_name": "pl_spectrum_series", "technique": "tplm",
        "time": 0.0, "spectrograph": OPTICS, "dwell_s": DWELL_S, "num_points": len(settings), "repeats": 1,
    }  # fmt: skip
    documents: list[tuple[str, dict[str, Any]]] = [("start", start | changes)]
    documents.append(("descriptor", {"uid": "d", "name": "primary", "run_start": start["uid"]}))
    for number, setting in enumerate(settings):
        for is_open in (True, False):
            event = _event(film, replace(setting, shutter_open=is_open), rng)
            event["data"]["point_index"] = number
            event["seq_num"] = len(documents) - 1
            documents.append(("event", event))
    documents.append(("stop", {"run_start": start["uid"], "exit_status": "success"}))
    return documents


def _event(film: Film, setting: Setting, rng: np.random.Generator) -> dict[str, Any]:
    electrons = DWELL_S * electrons_per_s(film, setting, centre_nm=CENTRE_NM - film.spectrograph.offset_nm)
    image = draw_image(rng, film, electrons, Readout(exposure_s=DWELL_S, rows=1))
    data = {
        "pl_counts": image[0].astype(np.uint32), "exposure_s": DWELL_S, "laser_shutter": int(setting.shutter_open),
        "laser_power_nw": setting.power_nw, "repetition_rate_mhz": setting.repetition_rate_mhz,
        "temperature_k": setting.temperature_k, "wavelength_nm": CENTRE_NM, "quality": "", "scan_index": 0,
    }  # fmt: skip
    return {"descriptor": "d", "seq_num": 1, "time": 0.0, "data": data}
