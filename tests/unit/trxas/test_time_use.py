"""If these fail, the line after a scan blames the wrong part of it for the time that was not counted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from bluesky.utils import Msg

from trxas.prompt.time_line import time_text
from trxas.session.remote_control import RemotelyPausableEngine
from trxas.session.time_use import Activity, TimeUse


def clock(times_s: list[float]) -> TimeUse:
    """Return an account whose clock shows these times one after the other, s."""
    left: Iterator[float] = iter(times_s)
    return TimeUse(lambda: next(left))


def test_a_wait_belongs_to_what_it_waits_for() -> None:
    """Lost: the difference between counting and moving, which both end in a wait."""
    account = clock([0.0, 1.0, 2.0, 5.0, 6.0, 16.0, 17.0, 18.0])
    for command in ("open_run", "set", "wait", "wait_for", "trigger", "wait", "save", "close_run"):
        account.note(command)
    assert account.latest_s[Activity.MOVING] == 4.0
    assert account.latest_s[Activity.SETTLING] == 1.0
    assert account.latest_s[Activity.COUNTING] == 11.0
    assert account.latest_s[Activity.STORING] == 1.0
    assert sum(account.latest_s.values()) == 18.0


def test_a_sequence_settles_in_the_share_that_it_does_not_count() -> None:
    """Lost: the reason why short dwells waste beam, as a table of 0.1 s dwells would read 100 % counting."""
    account = clock([0.0, 1.0, 11.0, 13.0, 13.0, 14.0, 18.0])
    account.note("open_run")
    account.note("kickoff", counting_share=0.8)
    account.note("collect")
    account.note("close_run")
    assert account.latest_s[Activity.COUNTING] == pytest.approx(0.8 * 12.0)
    assert account.latest_s[Activity.SETTLING] == pytest.approx(0.2 * 12.0)
    account.note("open_run")
    account.note("trigger")
    account.note("close_run")
    assert account.latest_s[Activity.COUNTING] == 4.0


def test_the_share_is_that_of_the_reader_that_is_kicked_off() -> None:
    """Lost: the settling in the line, if the engine did not ask the reader."""

    async def command(_message: Msg) -> None:
        """Do nothing."""

    account = clock([0.0, 1.0, 11.0])
    account.note("open_run")
    asyncio.run(account.watch("kickoff", command)(Msg("kickoff", SimpleNamespace(counting_share=0.8))))
    account.note("close_run")
    assert account.latest_s[Activity.SETTLING] == pytest.approx(2.0)


def test_a_wait_for_a_move_that_began_earlier_counts_as_moving() -> None:
    """Lost: the time of slow axes, which move while the exposure before is stored."""
    account = clock([0.0, 1.0, 2.0, 7.0, 8.0])
    account.note("open_run")
    account.note("save")
    account.note("wait", "set-1a2b3c")
    account.note("trigger")
    account.note("close_run")
    assert account.latest_s[Activity.STORING] == 1.0
    assert account.latest_s[Activity.MOVING] == 5.0


def test_a_beam_that_is_awaited_does_not_count_as_opening() -> None:
    """Lost: the predictions after a night that began without beam."""
    account = clock([0.0, 1.0, 3601.0, 3602.0, 3603.0])
    for command in ("open_run", "sleep", "set", "trigger", "close_run"):
        account.note(command)
    assert account.opening_s == 2.0
    assert account.latest_s[Activity.WAITING] == 3600.0


def test_an_aborted_run_has_no_times_of_an_earlier_one() -> None:
    """Lost: the truth about a run that ended without its end."""
    account = clock([0.0, 1.0, 2.0])
    for command in ("open_run", "close_run", "open_run"):
        account.note(command)
    assert not account.latest_s


@pytest.mark.parametrize("counted_s", [0.5, 1.0, 2.0, 1e4])
def test_shares_add_up_to_100(counted_s: float) -> None:
    """Lost: trust in the line."""
    text = time_text({Activity.COUNTING: counted_s, Activity.MOVING: 1.0, Activity.READING: 1.0})
    shares = [int(part.split()[1]) for part in text.partition(": ")[2].split(", ")]
    assert sum(shares) == 100


def test_the_engine_accounts_for_every_run() -> None:
    """Lost: the line itself, if the engine carried out commands that nobody notes."""
    engine = RemotelyPausableEngine({})
    engine([Msg("open_run"), Msg("sleep", None, 0.02), Msg("close_run")])
    assert engine.time_use.latest_s[Activity.WAITING] >= 0.02
    assert "waiting" in time_text(engine.time_use.latest_s)
