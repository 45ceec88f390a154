"""If these fail, a technique that is added is not found, or adding one means changing trxas."""

from __future__ import annotations

from pathlib import Path

import pytest

from errors import InputError
from trxas.commands.demo import _demo_of
from trxas.commands.paper import _paper_of
from trxas.prompt.welcome import EXAMPLES
from trxas.results.figures import FIGURES
from trxas.techniques import bringing, part_of, parts, techniques
from trxas.validation.coverage.technique import campaign_called
from trxas.validation.robustness.measured_plans import robustness_of

REPOSITORY = Path(__file__).parents[4]

FOLDERS = (
    "broadcast",
    "devices",
    "errors",
    "gui",
    "plans",
    "plugins",
    "processes",
    "reduction",
    "sim",
    "storage",
    "trxas",
)

REGISTRATION = {"trxas/configuration.py"}
"""The file with the one line that names the technique outside its folders."""


@pytest.mark.parametrize(
    ("floor", "part", "members"),
    [
        ("trxas.results", "figures", ("FIGURES",)),
        ("trxas.session", "calibrator", ("calibrator_of",)),
        ("trxas.prompt", "example", ("EXAMPLE",)),
        ("trxas.commands", "demo", ("run_demo",)),
        ("trxas.validation", "paper.campaign", ("measure_paper",)),
        ("trxas.validation", "coverage", ("CAMPAIGN",)),
        ("trxas.validation", "robustness", ("planned", "truth_in", "pulls")),
    ],
)
def test_every_part_of_the_microscope_is_found(floor: str, part: str, members: tuple[str, ...]) -> None:
    """Lost: a command that answers that there is no such experiment, after a module was renamed."""
    module = part_of(floor, "tplm", part)
    assert module is not None
    assert all(hasattr(module, member) for member in members)
    assert part_of(floor, "powder", part) is None
    assert list(parts(floor, part)) == list(bringing(floor, part)) == ["tplm"]


def test_parts_reach_those_who_ask() -> None:
    assert techniques()[0] == "xas"
    assert EXAMPLES["tplm"].startswith("RE(tplm_map(")
    assert {one.__name__ for one in FIGURES} >= {"MapResults", "DecayResults"}


def test_what_a_technique_lacks_is_refused_with_the_names_of_those_that_have_it() -> None:
    for ask in (_demo_of, _paper_of):
        with pytest.raises(InputError, match=r"powder: there is no such \w+\. Give one of xas, tplm"):
            ask("powder")
    with pytest.raises(InputError, match="first technique is one of xas, tplm"):
        robustness_of("powder")
    with pytest.raises(InputError, match=r"Give one of .*tplm"):
        campaign_called("powder")


def test_one_line_outside_its_folders_names_the_technique() -> None:
    """Lost: the proof that a technique is added without a change to trxas."""
    mentioning = {
        path.relative_to(REPOSITORY)
        for folder in FOLDERS
        for path in (REPOSITORY / folder).rglob("*.py")
        if "tplm" in path.read_text(encoding="utf-8")
    }
    assert {path.as_posix() for path in mentioning if "tplm" not in path.parts} == REGISTRATION
