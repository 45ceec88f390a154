"""If these fail, what people have written about their runs is lost, or a run itself is changed by it."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from errors import InputError, OutOfRangeError, StorageError
from storage.notes import Note, RunNotes


@pytest.fixture
def notes(tmp_path: Path) -> RunNotes:
    return RunNotes(tmp_path)


def test_the_latest_change_of_each_field_holds(notes: RunNotes) -> None:
    """Lost: the rating, when somebody corrects the comment."""
    notes.change("a", comment=" jet broke \n", rating=2, add_tags=["jet", "bad"])
    notes.change("a", comment="jet was fine")
    notes.change("a", add_tags=["good"], remove_tags=["bad"])
    note = notes.all()["a"]
    assert (note.comment, note.rating, note.tags, note.stars) == ("jet was fine", 2, ("good", "jet"), "★★")
    assert note.by
    assert note.changed_s > 0
    notes.change("a", comment="", rating=0)
    assert notes.all()["a"].comment == ""
    assert notes.all()["a"].rating == 0


def test_nothing_is_overwritten(notes: RunNotes, tmp_path: Path) -> None:
    """Lost: who wrote what, and when."""
    notes.change("a", comment="first")
    notes.change("a", comment="second")
    lines = (tmp_path / "notes.jsonl").read_text().splitlines()
    assert [json.loads(line)["comment"] for line in lines] == ["first", "second"]


def test_two_writers_see_each_other(tmp_path: Path) -> None:
    """Lost: a colleague's tag, written at the same time in another window."""
    one = RunNotes(tmp_path)
    other = RunNotes(tmp_path)
    assert one.all() == {}
    one.change("a", add_tags=["good"])
    other.change("a", add_tags=["keep"])
    assert one.all()["a"].tags == other.all()["a"].tags == ("good", "keep")
    one.set_tags("a", ["keep", "paper"])
    assert other.all()["a"].tags == ("keep", "paper")


def test_a_writer_that_was_killed_loses_its_own_line_only(notes: RunNotes, tmp_path: Path) -> None:
    """Lost: all notes after a kill -9, or the next one, glued to the torn line."""
    notes.change("a", comment="before")
    path = tmp_path / "notes.jsonl"
    whole = path.read_bytes()
    for cut in range(len(whole)):
        path.write_bytes(whole + whole[:cut])
        torn = RunNotes(tmp_path)
        assert torn.all()["a"].comment == "before"
        torn.change("b", comment="after")
        again = RunNotes(tmp_path).all()
        assert (again["a"].comment, again["b"].comment) == ("before", "after")


def test_a_file_that_was_restored_from_a_copy_is_read_again(notes: RunNotes, tmp_path: Path) -> None:
    """Lost: the restored notes, in a window that was open meanwhile."""
    notes.change("a", comment="one")
    copy = (tmp_path / "notes.jsonl").read_bytes()
    notes.change("a", comment="two")
    assert notes.all()["a"].comment == "two"
    (tmp_path / "notes.jsonl").unlink()
    assert notes.all() == {}
    (tmp_path / "notes.jsonl").write_bytes(copy)
    assert notes.all()["a"].comment == "one"


def test_records_of_a_later_version_are_tolerated(notes: RunNotes, tmp_path: Path) -> None:
    (tmp_path / "notes.jsonl").write_text('{"run": "a", "comment": {"html": ""}, "rating": "high", "colour": 3}\n[1]\n')
    assert notes.all()["a"] == Note()


def test_wrong_notes_are_refused_with_the_range(notes: RunNotes) -> None:
    with pytest.raises(OutOfRangeError, match="0 to 5 stars"):
        notes.change("a", rating=6)
    with pytest.raises(InputError, match="no spaces"):
        notes.change("a", add_tags=["two words"])
    assert notes.all() == {}
    notes.change("a")
    assert notes.all() == {}


def test_everyone_who_can_write_the_folder_can_add_notes(tmp_path: Path) -> None:
    """Lost: notes of colleagues of the same group."""
    tmp_path.chmod(0o775)
    RunNotes(tmp_path).change("a", rating=1)
    mode = stat.S_IMODE((tmp_path / "notes.jsonl").stat().st_mode)
    assert mode & 0o111 == 0
    assert mode & 0o660 == 0o660


def test_a_folder_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"notes\.jsonl cannot be written"):
        RunNotes(tmp_path / "gone").change("a", rating=1)
