"""If these fail, maps are measured beside the image, out of focus, or a search never ends."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import Any

import bluesky.plan_stubs as bps
import pytest
from bluesky.utils import Msg

from devices.tplm.timing_electronics import CENTRES, FOCUS
from errors import AcquisitionError
from plans.engine.spec import ScanSpec
from plans.tplm import centring, focusing
from plans.tplm.centring import search_centre, with_centre
from plans.tplm.focusing import search_focus
from plans.tplm.map_points import Excitation
from plans.tplm.parameters import BriefOptions
from tests.support.tplm.fake_timing import FakeTiming

EXCITATION = Excitation(power_nw=1.0, rate_mhz=2.5)


class Height:
    """The height of the sample, um, moved by `bps.mv`."""

    name = "piezo_z_um"
    parent = None
    position = 0.0


class Microscope:
    """A beamline whose runs find `image(axis)`, um, or nothing; `runs` are the specs that were measured."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, image: Callable[[str], float | None]) -> None:
        self.exposure = FakeTiming()
        self.axes = {"piezo_z_um": Height()}
        self.runs: list[ScanSpec] = []
        self._image = image
        for module in (centring, focusing):
            monkeypatch.setattr(module, "measure_runs", self._measure)

    def _measure(self, _beamline: Any, specs: list[ScanSpec]) -> Generator[Msg, Any, list[str]]:
        (spec,) = specs
        self.runs.append(spec)
        uid = f"run-{len(self.runs)}"
        axis = FOCUS if spec.plan_name == "tplm_focus" else spec.metadata.keywords["own"]["line_axis"]  # type: ignore[attr-defined]  # a partial
        found = self._image(axis)
        if found is not None:
            name = FOCUS if axis == FOCUS else CENTRES[axis]
            self.exposure.configure({name: {"value_um": found, "error_um": 0.001, "run": uid}})
        yield from bps.null()
        return [uid]


def finished(plan: Iterator[Msg], height: Height | None = None) -> Any:
    """Run a plan to its end, without an engine; moves of the height are done at once."""
    try:
        while True:
            message = next(plan)
            if message.command == "set" and height is not None:
                height.position = message.args[0]
    except StopIteration as stop:
        return stop.value


def test_the_search_of_the_centre_ends_when_it_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    microscope = Microscope(monkeypatch, lambda axis: {"x_um": 0.13, "y_um": -0.08}[axis])
    uids = finished(search_centre(microscope, BriefOptions(), EXCITATION))  # type: ignore[arg-type]  # what a search needs
    assert len(uids) == 4
    assert microscope.exposure.centre_um == {"x_um": 0.13, "y_um": -0.08}
    first = [spec.settings[0]["x_um"] for spec in microscope.runs]
    second = [spec.settings[1]["x_um"] for spec in microscope.runs]
    steps = [after - before for before, after in zip(first, second, strict=True)]
    assert steps == pytest.approx([2 * 0.404, 0.0, 2 * 0.15, 0.0])
    assert with_centre(microscope.exposure, {"centre_x_um": None, "centre_y_um": 0.5}) == {
        "centre_x_um": 0.13, "centre_y_um": 0.5,
    }  # fmt: skip


def test_an_image_that_runs_away_ends_the_search_with_its_shift(monkeypatch: pytest.MonkeyPatch) -> None:
    places = iter(range(100))
    microscope = Microscope(monkeypatch, lambda _: 0.05 * next(places))
    with pytest.raises(AcquisitionError, match=r"still moved by 0\.1 um in round 6, needs at most 0\.02 um"):
        finished(search_centre(microscope, BriefOptions(), EXCITATION))  # type: ignore[arg-type]  # as above


def test_a_line_without_an_image_ends_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    microscope = Microscope(monkeypatch, lambda axis: 0.1 if axis == "x_um" else None)
    with pytest.raises(AcquisitionError, match="Run run-2 has not given the image centre y: it shows no image"):
        finished(search_centre(microscope, BriefOptions(), EXCITATION))  # type: ignore[arg-type]  # as above


def test_the_search_of_the_focus_comes_nearer_in_every_round(monkeypatch: pytest.MonkeyPatch) -> None:
    microscope = Microscope(monkeypatch, lambda _: -5.8)
    height = microscope.axes["piezo_z_um"]
    uids = finished(search_focus(microscope, BriefOptions(), EXCITATION, 6.0), height)  # type: ignore[arg-type]  # as above
    reaches = [spec.settings[-1]["piezo_z_um"] - spec.settings[0]["piezo_z_um"] for spec in microscope.runs]
    assert reaches == pytest.approx([12.0, 3.0, 1.5])
    assert len(uids) == 3
    assert height.position == -5.8
