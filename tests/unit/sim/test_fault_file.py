"""If these fail, a fault that was asked for never strikes, and a test of recovery proves nothing."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from sim.errors import SimulationInputError
from sim.faults.beam_faults import BeamDump, Bubbles
from sim.faults.device_faults import MotorStall
from sim.faults.kinds import KINDS, make_fault
from sim.faults.schedule import ScheduledFault, load_faults

GOOD = """
[[faults]]
kind = "BeamDump"
at_s = 10
duration_s = 5.5

[[faults]]
kind = "MotorStall"
at_s = 0.0
duration_s = inf
motor = "7idd:m21"
done = 0
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "faults.toml"
    path.write_text(text)
    return path


def test_a_file_gives_its_faults(tmp_path: Path) -> None:
    assert load_faults(written(tmp_path, GOOD)) == [
        ScheduledFault(fault=BeamDump(), at_s=10.0, duration_s=5.5),
        ScheduledFault(fault=MotorStall(motor="7idd:m21", done=0), at_s=0.0, duration_s=math.inf),
    ]


def entry(**changes: str) -> str:
    fields = {"kind": '"BeamDump"', "at_s": "1.0", "duration_s": "1.0"} | changes
    return "[[faults]]\n" + "\n".join(f"{name} = {value}" for name, value in fields.items() if value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (entry(kind='"Earthquake"'), r"faults\[0\]: Unknown fault 'Earthquake'; known: BeamDump, TopUp"),
        (entry(kind="3"), "Unknown fault 3"),
        (entry(at_s="-1.0"), "at_s = -1 s must be finite and at least 0 s"),
        (entry(at_s="nan"), "at_s = nan s must be finite"),
        (entry(at_s="inf"), "at_s = inf s must be finite"),
        (entry(at_s='"now"'), "at_s = 'now' must be a number of seconds"),
        (entry(duration_s="0.0"), "a duration of 0 s must be above 0"),
        (entry(duration_s="-2.0"), "a duration of -2 s must be above 0"),
        (entry(duration_s="nan"), "a duration of nan s must be above 0"),
        (entry(duration_s=""), "needs kind, at_s and duration_s"),
        (entry(kind='"IocFreeze"', duration_s="inf"), "above 0 and at most 600 s"),
        (entry(depth="0.5"), "BeamDump has no parameter 'depth'; known: none"),
        (entry(kind='"Bubbles"', depth="1.5"), "Bubbles: depth = 1.5 must be within 0 to 1"),
        (entry(kind='"Bubbles"', depth='"deep"'), "Bubbles: depth = 'deep' must be a float"),
        (entry(kind='"Bubbles"', per_s="10.0", dip_s="0.2"), "dip_s = 0.2 must be within 0.001 to 0.05"),
        (entry(kind='"LaserPower"', factor="2.0"), "factor = 2 must be within 0 to 1"),
        (entry(kind='"MotorStall"', motor='"7idd:m99"'), "motor = '7idd:m99' must be one of 7ida:m1"),
        (entry(kind='"DelayJump"', shown="0.5"), "shown = 0.5 must be a int"),
        ("faults = 3", r"has \['faults'\]; give \[\[faults\]\] tables"),
        ("[[fault]]\n", r"has \['fault'\]"),
        ("[[faults", "Cannot read fault file"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SimulationInputError, match=message):
        load_faults(written(tmp_path, text))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_made_from_its_name_alone(kind: str) -> None:
    fault = make_fault(kind, {})
    assert type(fault).__name__ == kind
    assert fault.meaning


def test_bubbles_come_as_often_as_they_should() -> None:
    """2.5 a second, all of their length: a client that learns their rate from the data finds the right one."""
    bubbles, time_s, starts = Bubbles(per_s=2.5, dip_s=0.05), 0.0, 0
    while (time_s := bubbles.next_change_s(time_s)) < 100.0:
        starts += 1
    assert starts == pytest.approx(2 * 250, abs=2)


def test_the_documentation_lists_every_kind() -> None:
    """Lost: a fault that no reader can find."""
    page = (Path(__file__).parents[3] / "docs" / "how-to" / "let-things-fail.md").read_text(encoding="utf-8")
    table = page[page.index("| Kind |") :].split("\n\n")[0]
    assert [row.split("`")[1] for row in table.splitlines()[2:]] == list(KINDS)
