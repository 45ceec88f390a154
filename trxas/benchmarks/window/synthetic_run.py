"""Documents of a long, regular run with which a window is measured."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]
import numpy as np

from reduction.types import NamedDocument
from storage.image_reading import DATASET

POINTS = 300
"""Number of energies of a scan."""

SCANS = 10
"""Number of scans of a run."""

IMAGES = 50
"""Number of images in the file; they are shown in turn."""

IMAGE_SHAPE = (195, 487)
"""Rows and columns of a Pilatus 100k."""

_PULSES = 7_822_685
_STREAM = "stream"


def write_images(path: Path) -> None:
    """Write `IMAGES` images of noise and rings in the layout of the HDF5 plugin of areaDetector."""
    rng = np.random.default_rng(7)
    rows, columns = np.indices(IMAGE_SHAPE)
    radius = np.hypot(rows - 97.0, columns + 20.0)
    rings = 2.0 + sum(60.0 * np.exp(-(((radius - place) / 4.0) ** 2)) for place in (90.0, 180.0, 300.0, 420.0))
    with h5py.File(path, "w") as file:
        file[DATASET] = rng.poisson(rings, (IMAGES, *IMAGE_SHAPE)).astype(np.int32)


def run_documents(uid: str, images: Path | None = None, images_per_event: float = 0.0) -> Iterator[NamedDocument]:
    """Yield the documents of an energy scan in counting mode, with an image every 1 / `images_per_event` events."""
    rng = np.random.default_rng(11)
    energy = np.linspace(13_450.0, 13_570.0, POINTS)
    mean_counts = _PULSES * 0.053 * (0.06 + 1.0 / (1.0 + np.exp(-(energy - 13_470.0))))
    yield "start", start_document(uid, energy)
    yield "descriptor", {"uid": f"{uid}-{_STREAM}", "run_start": uid, "name": "primary", "data_keys": {}}
    if images is not None:
        yield "resource", _resource(uid, images)
    shown = 0
    for number in range(SCANS * POINTS):
        scan, point = divmod(number, POINTS)
        data = _data(rng, scan, point, energy[point], mean_counts[point])
        # The number of images that are due by this event, so that any ratio of images and events comes out right on
        # average.
        if images is not None and int(number * images_per_event) >= shown:
            datum = f"{uid}/{shown}"
            kwargs = {"point_number": shown % IMAGES}
            yield "datum", {"resource": f"{uid}-images", "datum_id": datum, "datum_kwargs": kwargs}
            data["pilatus_image"] = datum
            shown += 1
        yield "event", {"descriptor": f"{uid}-{_STREAM}", "seq_num": number + 1, "time": 0.1 * number, "data": data}


def stop_document(uid: str) -> NamedDocument:
    """Return the stop document of the run."""
    return "stop", {"run_start": uid, "exit_status": "success", "time": 0.1 * SCANS * POINTS}


def start_document(uid: str, energy: np.ndarray) -> dict[str, Any]:
    """Return the start document of a scan over `energy`, eV, (points,)."""
    return {
        "uid": uid, "time": 0.0, "scan_id": 1, "plan_name": "energy_scan", "sample": "bench", "edge": "Br K",
        "absorber": "Br", "modes": ["spc"], "dwell_s": 0.1, "repeats": SCANS, "series": "",
        "num_points": SCANS * POINTS, "grid": {"axis": "energy_ev", "points": energy.tolist()}, "delay_ps": 100.0,
        "fluence_mj_cm2": 8.83, "shutter_reference": "none",
        "reduction": {
            "bunch_period_ps": 153_400.0, "probes_per_pump": 5, "pumped_probe": 0, "unpumped_probe": 4,
            "irf_sigma_ps": 45.0, "pre_edge_ev": [13_449.0, 13_462.0], "edge_integral_ev": [13_466.0, 13_500.0],
            "post_edge_ev": [13_540.0, 13_571.0], "pump_overlap": [1.0],
        },
    }  # fmt: skip


def _resource(uid: str, images: Path) -> dict[str, Any]:
    return {
        "uid": f"{uid}-images", "run_start": uid, "spec": "AD_HDF5", "root": str(images.parent),
        "resource_path": images.name, "resource_kwargs": {"frame_per_point": 1}, "path_semantics": "posix",
    }  # fmt: skip


def _data(rng: np.random.Generator, scan: int, point: int, energy_ev: float, counts: float) -> dict[str, Any]:
    return {
        "scan_index": scan, "point_index": point, "energy_ev": float(energy_ev), "delay_ps": 100.0,
        "fluence_mj_cm2": 8.83, "laser_shutter": 1, "spc_counts": rng.poisson(counts, (2, 5)).tolist(),
        "spc_pulses": [_PULSES] * 5, "i0": float(rng.normal(6e6, 2e4)), "foil": 3e6, "exposure_s": 6.0,
        "exposure_id": 1, "ring_current_ma": 101.9, "jet_flow_ml_min": float(rng.normal(240, 1)),
        "temperature_c": 24.0, "quality": "",
    }  # fmt: skip
