"""If these fail, a scan that counts until it is good enough measures too much, too little, or never ends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bluesky.preprocessors as bpp
import pytest
from bluesky import RunEngine
from bluesky.utils import Msg

import plans
from errors import InputError
from plans.engine.request import ScanRequest
from plans.engine.scanning import announced_requests
from plans.engine.until import QUESTION, NextPass, PassChooser, Until
from plans.types import Plan
from tests.support.fake_beamline import FakeHardware
from tests.support.fake_sequencer import with_sequencer
from tests.support.types import Documents

DELAYS_PS = [-100.0, 50.0, 200.0]


def judged(plan: Any, answers: Iterator[tuple[int, ...]]) -> Documents:
    """Run a plan whose questions get these answers; return its documents."""

    def heard(message: Msg) -> Msg:
        if QUESTION in message.kwargs:
            message.kwargs[QUESTION].judge = lambda: NextPass(points=next(answers))
        return message

    engine, documents = RunEngine({}), []
    engine.subscribe(lambda name, doc: documents.append((name, doc)))
    engine(bpp.msg_mutator(plan, heard))
    return documents


def exposures(documents: Documents) -> list[tuple[int, int]]:
    events = [doc["data"] for name, doc in documents if name == "event"]
    return [(int(data["scan_index"]), int(data["point_index"])) for data in events]


def chosen(request: ScanRequest, answers: Iterator[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Return the points of each pass of a run whose questions get these answers; nothing is measured."""
    found: list[tuple[int, ...]] = []

    def measure(_scan_index: int, points: tuple[int, ...]) -> Plan:
        found.append(points)
        yield Msg("checkpoint")

    chooser = PassChooser(request.until, [request.dwell_of(point) for point in range(len(request.points))])
    for message in chooser.passes(request.repeats, measure):
        if QUESTION in message.kwargs:
            message.kwargs[QUESTION].answer = NextPass(points=next(answers))
    return found


def scan(hardware: FakeHardware, **settings: Any) -> Any:
    usual = {"delays_ps": DELAYS_PS, "dwell_s": 1.0, "until": "tau1", "until_sigma": 10.0}
    return plans.delay_scan(hardware.beamline, "Br K", **(usual | settings))


def test_each_pass_measures_what_the_judge_chooses_and_the_run_ends_with_it() -> None:
    hardware = FakeHardware()
    documents = judged(scan(hardware), iter([(1,), (0, 2), ()]))
    # The second pass goes up again, the third down: snake order, also of a part of the points.
    assert exposures(documents) == [(0, 0), (0, 1), (0, 2), (1, 1), (2, 0), (2, 2)]
    start, stop = documents[0][1], documents[-1][1]
    assert start["until"] == {
        "goal": "tau1", "sigma": 10.0, "max_time_s": None, "window_ev": None, "relative": False,
    }  # fmt: skip
    assert stop["exit_status"] == "success"


def test_an_error_may_be_relative_to_the_lifetime_also_when_resumed() -> None:
    """Lost: a scan that counts until tau2 is known to 0.1 ps instead of 10 %."""
    hardware = FakeHardware()
    start = judged(scan(hardware, until="tau2_relative", until_sigma=0.1), iter([()]))[0][1]
    assert (start["until"]["goal"], start["until"]["sigma"], start["until"]["relative"]) == ("tau2", 0.1, True)
    (left,) = announced_requests(plans.resume_scan(hardware.beamline, start, [(0, 0, 1)]))
    assert left.until == Until(goal="tau2", sigma=0.1, relative=True)
    # Runs of earlier versions do not state it.
    earlier = {key: value for key, value in start["until"].items() if key != "relative"}
    assert Until.from_document(earlier) == Until(goal="tau2", sigma=0.1)


def test_the_longest_time_is_kept() -> None:
    hardware = FakeHardware()
    documents = judged(scan(hardware, max_time_s=5.0), iter([(1,), (0, 2), (1,)]))
    assert len(exposures(documents)) == 5


@pytest.mark.parametrize(
    ("settings", "least_s"),
    [
        ({"dwell_s": 6.0, "max_time_s": 17.9}, "18 s"),
        ({"dwell_s": 0.1, "max_time_s": 0.299}, "0.3 s"),
        ({"delays_ps": None, "dwell_s": 6.0, "max_time_s": 60.0}, "210 s"),
        ({"dwell_s": 6.0, "max_time_s": 17.9, "stepping": "hardware"}, "18 s"),
    ],
)
def test_a_longest_time_below_that_of_the_first_pass_is_refused(settings: dict[str, Any], least_s: str) -> None:
    """Lost: three times the beam time that was meant to be the longest: the first pass measures every point."""
    hardware = FakeHardware()
    beamline, _ = with_sequencer(hardware.beamline)
    usual = {"delays_ps": DELAYS_PS, "until": "tau1", "until_sigma": 10.0}
    with pytest.raises(InputError, match=f"in {least_s}. Give at least {least_s}, fewer points"):
        RunEngine({})(plans.delay_scan(beamline, "Br K", **(usual | settings)))
    assert hardware.moves == []


def test_the_least_time_of_the_message_is_enough_for_the_first_pass() -> None:
    """Lost: a scan that is refused with the very value that its message asks for, by rounding of 3 x 0.1 s."""
    (request,) = announced_requests(scan(FakeHardware(), dwell_s=0.1, max_time_s=0.3))
    assert chosen(request, iter([(1,)])) == [(0, 1, 2)]
    assert request.exposures == 3
    (longer,) = announced_requests(scan(FakeHardware(), dwell_s=0.1, max_time_s=0.7))
    assert chosen(longer, iter([(0, 2), (0, 1, 2), (0, 1, 2)])) == [(0, 1, 2), (0, 2), (0, 1)]
    assert longer.exposures == 7


def test_dwells_that_grow_along_the_grid_count_as_they_are() -> None:
    """Lost: the longest beam time of an EXAFS scan, whose last points count several times as long as the first."""
    beamline = FakeHardware().beamline
    settings: dict[str, Any] = {"delay_ps": 100.0, "regions_ev": [(13_440.0, 13_470.0, 10.0)], "until_sigma": 1e-6}
    settings |= {"regions_k": [(2.0, 4.0, 1.0)], "dwell_s": 1.0, "dwell_power": 1.0}
    (free,) = announced_requests(plans.energy_scan(beamline, "Br K", **settings))
    dwells_s = [free.dwell_of(point) for point in range(len(free.points))]
    pass_s = round(sum(dwells_s), 3)
    assert pass_s > 1.2 * len(dwells_s)
    with pytest.raises(InputError, match=f"in {pass_s:g} s. Give at least"):
        announced_requests(plans.energy_scan(beamline, "Br K", max_time_s=pass_s - 0.001, **settings))
    (request,) = announced_requests(plans.energy_scan(beamline, "Br K", max_time_s=pass_s + 2.5, **settings))
    last = len(dwells_s) - 1
    assert chosen(request, iter([(0, last), (0,), (0,)]))[1:] == [(0,), (0,)]
    assert chosen(request, iter([(last,), (0,)]))[1:] == [(last,)]
    assert (request.exposures, request.beam_s) == (len(dwells_s) + 2, pass_s + 2.5)


def test_a_run_whose_longest_time_is_used_up_is_not_resumed() -> None:
    """Lost: a resumed run without an exposure, which moves every axis and measures nothing."""
    hardware = FakeHardware()
    start = judged(scan(hardware, max_time_s=4.0), iter([(1,), ()]))[0][1]
    done = [(0, 0, 1), (0, 1, 1), (0, 2, 1)]
    (left,) = announced_requests(plans.resume_scan(hardware.beamline, start, done))
    assert (left.exposures, left.beam_s) == (1, 1.0)
    with pytest.raises(InputError, match="nothing to resume"):
        announced_requests(plans.resume_scan(hardware.beamline, start, [*done, (1, 1, 1)]))


def test_repeats_are_the_most_passes() -> None:
    hardware = FakeHardware()
    documents = judged(scan(hardware, repeats=2), iter([(1,), (2,)]))
    assert exposures(documents) == [(0, 0), (0, 1), (0, 2), (1, 1)]


def test_without_a_session_all_points_are_measured() -> None:
    engine, documents = RunEngine({}), []
    engine.subscribe(lambda name, doc: documents.append((name, doc)))
    engine(scan(FakeHardware(), repeats=2))
    assert len(exposures(documents)) == 6


def test_a_resumed_run_completes_the_first_pass_and_decides_again() -> None:
    """Lost: beam time for what was measured already, or the end, if a killed run starts from nothing."""
    hardware = FakeHardware()
    start = judged(scan(hardware), iter([(1,), ()]))[0][1]
    first = judged(plans.resume_scan(hardware.beamline, start, [(0, 0, 1), (0, 2, 1)]), iter([(2,), ()]))
    assert exposures(first) == [(0, 1), (1, 2)]
    later = [(0, 0, 1), (0, 1, 1), (0, 2, 1), (1, 1, 1)]
    second = judged(plans.resume_scan(hardware.beamline, start, later), iter([(0,), ()]))
    assert exposures(second) == [(2, 0)], "a pass that was begun is not repeated"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"until_sigma": None, "max_time_s": 60.0, "until": "points"}, "need until_sigma"),
        ({"until_sigma": None}, "need until_sigma"),
        ({"shutter_reference": "point"}, "shutter_reference = 'point'"),
        ({"until": "area"}, "until = 'area'"),
        ({"until_sigma": -1.0}, "until_sigma = -1"),
        ({"until": "tau2_relative", "until_sigma": 12.0}, r"relative to the lifetime. Give 0\.001 to 0\.5"),
    ],
)
def test_a_goal_that_cannot_be_reached_is_refused(arguments: dict[str, Any], message: str) -> None:
    hardware = FakeHardware()
    with pytest.raises(InputError, match=message):
        RunEngine({})(scan(hardware, **arguments))
    assert hardware.moves == []


def test_a_window_needs_its_limits() -> None:
    hardware = FakeHardware()
    plan = plans.energy_scan(hardware.beamline, "Br K", delay_ps=100.0, until="window", until_sigma=1e-3)
    with pytest.raises(InputError, match="until_window_ev"):
        RunEngine({})(plan)
