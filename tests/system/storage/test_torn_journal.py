"""If these fail, one damaged byte costs more of a run than the record it is in."""

from __future__ import annotations

from pathlib import Path

import pytest

from storage import open_store
from storage.journal import journal_paths
from storage.records import MAGIC, pack_record, read_contents
from tests.support.live_runs import delay_run
from tests.support.small_runs import small_run
from tests.support.stored_runs import StoredRuns, later


@pytest.fixture
def journal(tmp_path: Path) -> tuple[Path, bytes, list[int]]:
    """A journal file, its bytes, and where its records end."""
    records = [pack_record(name, doc) for name, doc in small_run()]
    ends = [len(MAGIC)]
    for record in records:
        ends.append(ends[-1] + len(record))
    return tmp_path / "20260101T000000.000-r.journal", MAGIC + b"".join(records), ends


def test_what_is_whole_behind_the_damage_is_put_back(root: Path) -> None:
    """Lost: with a bad sector in the journal of a killed session, everything that it had measured after that."""
    documents = later(delay_run("damaged"), 0.0)
    stored = StoredRuns(root)
    stored.write(documents)
    stored.close()
    (path,) = journal_paths(root)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with open_store(root) as store:
        assert store.recovery.catalogued == ["damaged"]
        assert len(store.db["damaged"].table()) == len(documents) - 4
    (path,) = journal_paths(root)
    contents = read_contents(path)
    assert not contents.is_torn
    assert len(contents.documents) == len(documents) - 1, "all but the one that was hit"
