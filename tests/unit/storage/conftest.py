"""Runs of the contract's shape from a bare RunEngine, and a catalogue that is created once per worker."""

from __future__ import annotations

import os
import shutil
import time
from typing import TYPE_CHECKING, Any

import bluesky.plan_stubs as bps
import bluesky.preprocessors as bpp
import numpy as np
import pytest
from bluesky import RunEngine

from storage import Store, open_store
from storage.catalogue import create_catalogue
from tests.support.waiting import WAIT_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

INTEGERS = ("scan_index", "point_index", "laser_shutter", "exposure_id")
NUMBERS = (
    "energy_ev",
    "delay_ps",
    "fluence_mj_cm2",
    "i0",
    "foil",
    "exposure_s",
    "ring_current_ma",
    "jet_flow_ml_min",
    "temperature_c",
)
ARRAYS = {
    "spc_counts": ([2, 5], "<i8"),
    "spc_pulses": ([5], "<i8"),
    "boxcar_mean": ([5], "<f8"),
    "boxcar_variance": ([5], "<f8"),
}


def data_keys() -> dict[str, Any]:
    keys: dict[str, Any] = {k: {"dtype": "integer", "shape": [], "source": "PV:x"} for k in INTEGERS}
    keys |= {k: {"dtype": "number", "shape": [], "source": "PV:x"} for k in NUMBERS}
    keys["quality"] = {"dtype": "string", "shape": [], "source": "PV:x"}
    for key, (shape, dtype) in ARRAYS.items():
        keys[key] = {"dtype": "array", "shape": shape, "source": "PV:x", "dtype_numpy": dtype}
    return keys


def event_data(index: int, points: int) -> dict[str, Any]:
    """One exposure; every number differs from event to event, so that a swapped or lost one shows."""
    random = np.random.default_rng(index)
    data: dict[str, Any] = {key: float(random.normal(1000.0, 1.0)) for key in NUMBERS}
    data |= {"scan_index": index // points, "point_index": index % points, "laser_shutter": 1, "exposure_id": index}
    data["quality"] = "jet,beam" if index % 7 == 3 else ""
    for key, (shape, dtype) in ARRAYS.items():
        values = random.poisson(5000.0, shape)
        data[key] = values.astype(dtype) if dtype == "<i8" else values / 7.0
    return data


class Exposure:
    """A readable device with the contract's event data keys."""

    name = "exposure"
    parent = None

    def __init__(self, points: int) -> None:
        self.points, self.index = points, 0

    def describe(self) -> dict[str, Any]:
        return data_keys()

    def read(self) -> dict[str, Any]:
        data = event_data(self.index, self.points)
        self.index += 1
        return {key: {"value": value, "timestamp": time.time()} for key, value in data.items()}

    def describe_configuration(self) -> dict[str, Any]:
        return {"exposure_gate_ns": {"dtype": "number", "shape": [], "source": "PV:gate"}}

    def read_configuration(self) -> dict[str, Any]:
        return {"exposure_gate_ns": {"value": 20.5, "timestamp": 1.0}}


def delay_scan(
    points: int = 4, repeats: int = 2, *, before: Callable[[int], None] | None = None, **metadata: Any
) -> Any:
    """A run of `points` x `repeats` exposures; `before(index)` is called in the RunEngine before each of them."""
    md = {
        "plan_name": "delay_scan",
        "sample": "CsPbBr3",
        "edge": "Br K",
        "modes": ["spc", "boxcar"],
        "repeats": repeats,
        "num_points": points,
        "grid": {"axis": "delay_ps", "points": [100.0 * i for i in range(points)]},
        "energy_ev": 13472.0,
        "shutter_reference": "none",
        "reduction": {"bunch_period_ps": 153400.0, "pump_overlap": [1.0, 0.99]},
        **metadata,
    }
    exposure = Exposure(points)

    @bpp.run_decorator(md=md)
    def measure() -> Any:
        for index in range(points * repeats):
            if before is not None:
                before(index)
            yield from bps.create("primary")
            yield from bps.read(exposure)
            yield from bps.save()

    return (yield from measure())


@pytest.fixture(scope="session", autouse=True)
def _no_shared_tiled_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests neither read nor change the Tiled profiles and tokens of the user who runs them."""
    patch = pytest.MonkeyPatch()
    patch.setenv("TILED_CACHE_DIR", str(tmp_path_factory.mktemp("tiled_cache")))
    for name in [name for name in os.environ if name.startswith("TILED_") and name != "TILED_CACHE_DIR"]:
        patch.delenv(name)
    yield
    patch.undo()


@pytest.fixture(scope="session")
def empty_catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("catalogue")
    create_catalogue(root)
    return root


@pytest.fixture
def root(empty_catalogue: Path, tmp_path: Path) -> Path:
    """A data folder with an empty catalogue."""
    target = tmp_path / "data"
    shutil.copytree(empty_catalogue, target)
    return target


@pytest.fixture
def store(root: Path) -> Iterator[Store]:
    with open_store(root, flush_period_s=3600.0) as opened:
        yield opened


@pytest.fixture
def run_engine() -> Iterator[RunEngine]:
    engine = RunEngine(context_managers=[])
    yield engine
    engine.loop.call_soon_threadsafe(engine.loop.stop)
    engine._th.join(WAIT_S)
    engine.loop.close()


@pytest.fixture
def scan() -> Callable[..., Any]:
    return delay_scan


@pytest.fixture
def make_event_data() -> Callable[[int, int], dict[str, Any]]:
    return event_data
