"""If these fail, people do not find their runs, or find those of others."""

from __future__ import annotations

import time
import unicodedata
from dataclasses import replace

import pytest

from errors import InputError
from gui.browser.search import ListedRun, parse_search
from storage import RunSummary

NOON = time.mktime((2026, 11, 3, 12, 0, 0, 0, 0, -1))
RUN = ListedRun(
    summary=RunSummary(
        uid="1a2b3c",
        scan_id=12,
        time_s=NOON,
        plan_name="energy_scan",
        sample="CsPbBr3 vial 7",
        edge="Br K",
        points_done=41,
        points_intended=76,
        status="stopped",
    ),
    start={
        "uid": "1a2b3c",
        "scan_id": 12,
        "plan_name": "energy_scan",
        "sample": "CsPbBr3 vial 7",
        "edge": "Br K",
        "fluence_mj_cm2": 8.83,
        "modes": ["spc", "boxcar"],
        "operator": "A. B.",
        "cooled": True,
        "reduction": {"irf_sigma_ps": 45.0},
    },
)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "cspbbr3",
        "vial energy",
        "stopped",
        "1a2b",
        "2026-11-03",
        'edge="Br K"',
        "edge='br k' plan=energy_scan",
        "scan=12",
        "scan_id:12",
        "scan>=12",
        "fluence_mj_cm2=8.83",
        "fluence_mj_cm2>8 fluence_mj_cm2<9",
        "modes=boxcar",
        'operator="a. b."',
        "cooled=true",
        "reduction.irf_sigma_ps=45",
        "status=stopped",
        "date=2026-11",
        "date>=2026-11-03 date<2026-11-04",
        "nothing!=5",
        "sample!=other",
    ],
)
def test_run_is_found(text: str) -> None:
    assert parse_search(text).fits(RUN)


@pytest.mark.parametrize(
    "text",
    [
        "toluene",
        "vial 8",
        'edge="Pb L3"',
        "plan=delay_scan",
        "scan=1",
        "fluence_mj_cm2>9",
        "fluence_mj_cm2=much",
        "sample>5",
        "operator=A",
        "nothing=5",
        "reduction.irf_sigma_ps=46",
        "reduction.nothing.at_all=46",
        "date=2026-10",
        "date>2026-11-03",
        "edge!='Br K'",
    ],
)
def test_other_run_is_not(text: str) -> None:
    assert not parse_search(text).fits(RUN)


def test_an_accent_may_be_typed_with_its_letter_or_after_it() -> None:
    """Lost: the sample of a user whose keyboard, or copied text, writes letter and accent one after the other."""
    typed = unicodedata.normalize("NFD", "Müller 7")
    run = replace(RUN, summary=replace(RUN.summary, sample=typed), start={**RUN.start, "operator": typed})
    for text in ("müller", "MÜLLER", 'operator="Müller 7"', typed.split()[0]):
        assert parse_search(text).fits(run), text


def test_what_cannot_be_read_is_said() -> None:
    with pytest.raises(InputError, match="unclosed quote"):
        parse_search('edge="Br')
    with pytest.raises(InputError, match="Write it as"):
        parse_search("date=yesterday")


def test_numbers_are_compared_as_people_type_them() -> None:
    assert parse_search("fluence_mj_cm2>5,5") == parse_search("fluence_mj_cm2>5.5")
    with pytest.raises(InputError, match="is not a finite number"):
        parse_search("fluence_mj_cm2>much")
