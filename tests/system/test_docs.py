"""If these fail, a reader types what the documentation says and gets an error."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bluesky.plan_stubs as bps
import pytest

from tests.support.patient import patient
from trxas.commands.ipython import startup_files
from trxas.configuration import load_configuration
from trxas.prompt.drawing import drawing_function
from trxas.prompt.dry_run import dry_run_function, settings_function
from trxas.prompt.export import export_function
from trxas.prompt.going import going_function
from trxas.prompt.night import night_functions
from trxas.prompt.stored_runs import combining_function, stored_run_functions
from trxas.session.foil_reference import use_foil_reference_function
from trxas.session.session import open_session

REPOSITORY = Path(__file__).parents[2]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
SNIPPET = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)\)")
MACRO = "docs:"

TYPED_ELSEWHERE = {"README.md"}
"""Pages whose snippets `test_terminal_session.py` types at the prompt of a real session."""

MEASURED_ELSEWHERE = {"measure-the-paper.md", "measure-temperature-series.md", "plans.md", "trust-a-run.md"}
"""Pages that measure at length what tests of the paper's plans, of temperature plans, of all plans with any arguments,
and of the calibration of gates measure in short."""

FOREIGN_RUNS = {"use-your-own-tools.md"}
"""Pages that end with a run of another package's plan; a page that uses the last run needs one of trxas."""

OTHER_SESSIONS = {"bring-your-own-technique.md", "measure-a-tplm-map.md"}
"""Pages whose snippets need other devices; the tests of the example package and of the microscope run them."""


@pytest.fixture(scope="module")
def names(start_ioc: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The names a session has, on a simulated beamline that is very fast."""
    configuration = patient(load_configuration(prefix=MACRO, data=tmp_path_factory.mktemp("data")))
    with start_ioc("-m", "sim", "--macro", MACRO, "--speed", "20000"), open_session(configuration) as session:
        runs, show, reduce = stored_run_functions(session.store)
        night, note = night_functions(session.store)
        # Pages about stored runs are read by people who have some.
        session.measure(session.plans()["energy_scan"]("Br K", delay_ps=100, dwell_s=6))
        yield {
            "RE": session.run_engine, "store": session.store, "bps": bps, "runs": runs, "show": show, "reduce": reduce,
            "combine": combining_function(session.store),
            "draw": drawing_function(session.store.root / "figures", lambda _: None),
            **session.beamline.devices, **session.plans(), "session": session,
            "night": night, "note": note, "export": export_function(session.store),
            "dry_run": dry_run_function(session), "settings_of": settings_function(session),
            "go_to": going_function(session),
            "use_foil_reference": use_foil_reference_function(session),
        }  # fmt: skip


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(
            page, id=page.name, marks=[pytest.mark.long] if page.name in TYPED_ELSEWHERE | MEASURED_ELSEWHERE else []
        )
        for page in PAGES
        if SNIPPET.search(page.read_text()) and page.name not in OTHER_SESSIONS
    ],
)
def test_snippets_run(page: Path, names: dict[str, Any]) -> None:
    namespace = dict(names)
    namespace["session"].store.wait()
    for snippet in SNIPPET.findall(page.read_text(encoding="utf-8")):
        namespace["db"] = namespace["session"].store.db
        builtins.exec(compile(snippet, str(page), "exec"), namespace)
        namespace["session"].store.wait()
    if page.name in FOREIGN_RUNS:
        namespace["session"].measure(namespace["energy_scan"]("Br K", delay_ps=100, dwell_s=6))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    missing = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if not (page.parent / link).exists()]
    assert missing == []


def test_startup_files_are_numbered_and_short() -> None:
    files = startup_files()
    assert len(files) >= 4
    assert all(len(path.read_text().splitlines()) <= 20 for path in files)
