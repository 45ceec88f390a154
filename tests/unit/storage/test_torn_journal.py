"""If these fail, one damaged byte costs more of a run than the record it is in."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage.records import MAGIC, iterate_documents, pack_record, read_contents, usable
from tests.support.small_runs import small_run


@pytest.fixture
def journal(tmp_path: Path) -> tuple[Path, bytes, list[int]]:
    """A journal file, its bytes, and where its records end."""
    records = [pack_record(name, doc) for name, doc in small_run()]
    ends = [len(MAGIC)]
    for record in records:
        ends.append(ends[-1] + len(record))
    return tmp_path / "20260101T000000.000-r.journal", MAGIC + b"".join(records), ends


def test_cut_at_every_byte(journal: tuple[Path, bytes, list[int]]) -> None:
    """Lost: a whole record before the cut, at whatever byte the power went."""
    path, data, ends = journal
    for cut in range(len(MAGIC), len(data) + 1):
        path.write_bytes(data[:cut])
        contents = read_contents(path)
        whole = sum(end <= cut for end in ends) - 1
        assert contents.documents == small_run()[:whole]
        assert contents.whole_bytes == ends[whole]
        assert contents.torn_bytes == cut - ends[whole]
        assert list(iterate_documents(path)) == contents.documents


def test_one_wrong_byte_anywhere_costs_one_record(journal: tuple[Path, bytes, list[int]]) -> None:
    """Lost: everything after a bad sector. Without their descriptor alone, events have no meaning."""
    path, data, ends = journal
    run = small_run()
    for position in range(ends[1], len(data)):
        path.write_bytes(data[:position] + bytes([data[position] ^ 0xFF]) + data[position + 1 :])
        contents = read_contents(path)
        hit = sum(end <= position for end in ends) - 1
        expected = [document for index, document in enumerate(run) if index != hit]
        if hit == 1:
            expected = [document for document in expected if document[0] != "event"]
        assert contents.documents + usable(contents.documents, contents.behind) == expected
        assert contents.is_torn
        assert list(iterate_documents(path)) == expected
        assert list(iterate_documents(path, behind=False)) == contents.documents


def test_what_only_looks_like_a_record_is_not_used(journal: tuple[Path, bytes, list[int]]) -> None:
    """Lost: time, or a true run, because garbage that resembles a record is read as one."""
    path, data, ends = journal
    path.write_bytes(data[: ends[3]] + b"\x92\xa5event" * 500 + b"\0" * 500)
    contents = read_contents(path)
    assert contents.documents == small_run()[:3]
    assert contents.behind == ()
