"""If these fail, a technique that another package brings does not work without changes in trxas.

The package is examples/magnet_and_emission: a magnet, and an X-ray emission analyser with plan, reduction and panel. It
is installed as its own build installs it, its devices are served by its own IOC, and nothing of trxas knows it.
"""

from __future__ import annotations

import builtins
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bluesky.plan_stubs as bps
import pytest
from pytestqt.qtbot import QtBot

import plans
from devices.supervision.health import diagnose
from errors import ConfigurationError, InputError, OutOfRangeError
from gui.application import make_application, make_window
from gui.live.feed import QueueFeed
from plugins.entry_points import load_results
from reduction.kinds import reduce_run
from storage import load_dataset, load_run
from tests.support.example_package import installed_example
from tests.support.patient import patient
from tests.support.waiting import COMMAND_S, WAIT_MS
from tests.system.test_docs import SNIPPET
from trxas.commands.main import main
from trxas.configuration import load_configuration
from trxas.prompt.progress import LiveTable
from trxas.prompt.stored_runs import stored_run_functions
from trxas.results.figures import figure_of
from trxas.results.live_run import LiveRun
from trxas.session.session import Session, open_session
from trxas.window.plan_forms import PlanExposures, known_plans

pytestmark = pytest.mark.channel_access
MACRO = "emission:"
PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "bring-your-own-technique.md"
LINE_EV = 7058.0
EV_PER_T = 0.2
"""Where the IOC puts the line, which only a measurement shows."""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with installed_example(tmp_path_factory.mktemp("package")) as folder:
        yield folder


@pytest.fixture(scope="module")
def session(package: Path, start_ioc: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    data = tmp_path_factory.mktemp("data")
    configuration = patient(load_configuration(package / "emission.toml", prefix=MACRO, data=data))
    with (
        start_ioc("-m", "sim", "--macro", MACRO, "--speed", "2000", "--seed", "5"),
        start_ioc("-m", "magnet_and_emission.ioc", "--macro", MACRO, "--speed", "2000", "--seed", "5"),
        open_session(configuration) as made,
    ):
        yield made


@pytest.fixture(scope="module")
def uid(session: Session) -> str:
    return session.measure(session.plans()["emission_scan"](dwell_s=6.0, repeats=2, field_t=2.0))


def test_everything_that_it_brings_is_found(package: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "trxas.commands.main", "plugins"],
        capture_output=True, text=True, timeout=COMMAND_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    for part in ("magnet-and-emission 1.0", "emission_scan", "X-ray emission", "trxas.panels"):
        assert part in done.stdout


def test_its_devices_are_devices_of_the_beamline(session: Session) -> None:
    assert {"field_t", "analyser_ev", "emission"} <= session.beamline.devices.keys()
    states = {entry.pv: str(entry.state) for entry in diagnose(session.beamline)}
    assert states[f"{MACRO}ame:magnet:FieldRBV"] == "alive"
    assert states[f"{MACRO}ame:counter:Frame"] == "alive"
    session.run_engine(bps.mv(session.beamline.devices["field_t"], 1.0))
    assert session.beamline.axes["field_t"].position == pytest.approx(1.0, abs=0.005)
    with pytest.raises(OutOfRangeError, match="-5 to 5 T"):
        session.beamline.axes["field_t"].set(6.0)


def test_the_magnet_is_scanned_with_the_pump_probe_plans(session: Session) -> None:
    plan = session.plans()["axis_scan"]("field_t", [-1.0, 0.0, 1.0], edge="Br K", dwell_s=6.0)
    results: Any = reduce_run(load_run(session.store, session.measure(plan)))
    assert list(results.position) == pytest.approx([-1.0, 0.0, 1.0], abs=0.005)


def test_the_plan_measures_and_the_prompt_reduces(
    session: Session, uid: str, capsys: pytest.CaptureFixture[str]
) -> None:
    start = load_run(session.store, uid)[0][1]
    assert start["modes"] == ["emission"]
    assert start["grid"]["axis"] == "analyser_ev"
    assert (start["energy_ev"], start["field_t"], start["held_axes"]) == (7200.0, 2.0, {"field_t": 2.0})
    _, show, reduce = stored_run_functions(session.store)
    results: Any = reduce(uid)
    assert results.kind == "X-ray emission"
    assert results.remarks == ()
    line, sigma = results.line_ev
    # Five standard errors: a false alarm in two million.
    assert sigma < 0.1
    assert line == pytest.approx(LINE_EV + EV_PER_T * 2.0, abs=5 * sigma)
    capsys.readouterr()
    show(uid)
    shown = capsys.readouterr().out
    for part in ("emission_scan", "field_t                2.0", "emission line", "X-ray emission", "exposures"):
        assert part in shown


def test_prompt_and_figure_follow_the_run(session: Session, uid: str, capsys: pytest.CaptureFixture[str]) -> None:
    table = LiveTable()
    live = LiveRun()
    for name, doc in load_run(session.store, uid):
        table(name, doc)
        live(name, doc)
    assert "photons" in capsys.readouterr().out
    assert live.reduction is not None
    assert figure_of(live.reduction.results(), live.reduction) is not None


def test_an_interrupted_run_is_resumed_where_it_was_measured(session: Session, uid: str) -> None:
    """Lost: the rest of a spectrum, measured at whatever field and energy the next scan has left."""
    documents = load_run(session.store, uid)
    done = [
        (doc["data"]["scan_index"], doc["data"]["point_index"], doc["data"]["laser_shutter"])
        for name, doc in documents
        if name == "event"
    ][:-3]
    session.run_engine(bps.mv(session.beamline.axes["field_t"], 0.0, session.beamline.energy, 7150.0))
    plan = plans.resume_scan(session.beamline, documents[0][1], done)
    again = load_run(session.store, session.measure(plan))
    events = [doc["data"] for name, doc in again if name == "event"]
    assert [event["field_t"] for event in events] == pytest.approx([2.0] * 3, abs=0.005)
    assert [event["energy_ev"] for event in events] == pytest.approx([7200.0] * 3, abs=0.05)
    assert reduce_run(load_dataset(session.store, again[0][1]["uid"])).remarks == ()


def test_its_arguments_are_checked_before_anything_moves(session: Session) -> None:
    with pytest.raises(InputError, match="5 T"):
        session.measure(session.plans()["emission_scan"](field_t=7.0))
    with pytest.raises(InputError, match="7200 eV"):
        session.measure(session.plans()["emission_scan"]([7030.0, 7300.0]))


def test_a_beamline_without_its_devices_reports_what_is_missing(package: Path, session: Session) -> None:
    kind = type(session.beamline.devices["emission"])
    assert session.beamline.technique_reader(kind) is session.beamline.technique_reader(kind)
    session.beamline.further_devices.pop("emission")  # type: ignore[attr-defined]  # a dict
    try:
        with pytest.raises(ConfigurationError, match=r"class_path = 'magnet_and_emission\.counter\.EmissionCounter'"):
            session.measure(session.plans()["emission_scan"]())
    finally:
        session.beamline.further_devices["emission"] = session.beamline.technique_readers["emission"].detector  # type: ignore[index]


def test_the_window_has_its_form_its_forecast_and_its_panel(
    package: Path, session: Session, uid: str, qtbot: QtBot, tmp_path: Path
) -> None:
    form = known_plans(session.configuration.beamline)["emission_scan"]
    assert form.group == "X-ray emission"
    assert {one.name: one.unit for one in form.parameters}["field_t"] == "T"
    course = PlanExposures(session.configuration.beamline)("emission_scan", {"dwell_s": 6.0, "repeats": 2}, None)
    assert course is not None
    assert course.batches[0].exposures == 52
    assert course.expects == "The peak has 24000 photons."
    make_application()
    feed = QueueFeed("test")
    window = make_window(feed, settings=tmp_path / "window.ini")
    qtbot.addWidget(window)
    window.show()
    window.show_panel("emission")
    panel: Any = window.docks["emission"].widget()
    for name, doc in load_run(session.store, uid):
        feed.put(name, doc)
    qtbot.waitUntil(lambda: "emission" in panel.spectrum.curves, timeout=WAIT_MS)
    assert panel.spectrum.curves["emission"] is not None
    window.close()
    assert not [outcome.problem for outcome in load_results() if outcome.problem]


def test_a_campaign_of_another_name_is_refused(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["coverage", "--technique", "emissions", "--samples", "1"]) == 2
    assert "Give one of emission" in capsys.readouterr().err


@pytest.mark.long
def test_its_campaign_measures_its_error_bars(package: Path, tmp_path: Path) -> None:
    """Lost: the error bars of a technique, which nobody ever compares with a truth."""
    numbers = tmp_path / "numbers.json"
    options = ["--technique", "emission", "--samples", "2", "--json", str(numbers), "--output", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "trxas.commands.main", "coverage", *options],
        capture_output=True, text=True, timeout=COMMAND_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(numbers.read_text(encoding="utf-8"))["parameters"]
    assert {name: one["pulls"] for name, one in found.items()} == {"line_ev": 2, "width_ev": 2}
    # The mean of two pulls has an error of 0.7: a false alarm in 10 000.
    assert abs(found["line_ev"]["pull_mean"]) < 2.8
    assert (tmp_path / "pulls.png").exists()


def test_the_page_for_developers_works(session: Session) -> None:
    """If this fails, a reader types what the page says and gets an error."""
    runs, show, reduce = stored_run_functions(session.store)
    names = {
        "RE": session.run_engine, "runs": runs, "show": show, "reduce": reduce, **session.beamline.devices,
        **session.plans(),
    }  # fmt: skip
    for snippet in SNIPPET.findall(PAGE.read_text(encoding="utf-8")):
        builtins.exec(compile(snippet, str(PAGE), "exec"), names)
        session.store.wait()
