"""Notes on runs: comment, rating and tags, which everyone can change at any time.

They are in `<root>/notes.jsonl`, beside the runs: documents of a run never change. Every change is one record with its
time and author; the newest one of a run and field holds, and all earlier ones stay readable.
"""

from __future__ import annotations

import getpass
import threading
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from errors import InputError, OutOfRangeError
from storage.line_journal import LineJournal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

HIGHEST_RATING = 5
"""Ratings are 0 (none) to this."""


@dataclass(frozen=True, kw_only=True)
class Note:
    """Note of people on a run: `rating` 0 to 5, 0 for none; `tags` sorted.

    `changed_s`: time of the latest change, Unix epoch, 0 for none; `by`: who made it.
    """

    comment: str = ""
    rating: int = 0
    tags: tuple[str, ...] = ()
    changed_s: float = 0.0
    by: str = ""

    @property
    def stars(self) -> str:
        """The rating as text, such as "★★★"."""
        return "★" * self.rating


class RunNotes:
    """The notes of a data folder `root`; several threads and processes may read and change them."""

    def __init__(self, root: Path) -> None:
        self._journal = LineJournal(root / "notes.jsonl")
        self._lock = threading.Lock()

    def all(self) -> dict[str, Note]:
        """Return the note of every run that has one, by uid; raises StorageError if they cannot be read."""
        with self._lock:
            records = self._journal.read()
        notes: dict[str, Note] = {}
        for record in records:
            uid = str(record.get("run", ""))
            # The file is a log of changes, and a note is what all of them make together. So two processes can append at
            # the same time, and none overwrites the note of another.
            notes[uid] = _changed(notes.get(uid, Note()), record)
        return notes

    def change(
        self,
        uid: str,
        *,
        comment: str | None = None,
        rating: int | None = None,
        add_tags: Iterable[str] = (),
        remove_tags: Iterable[str] = (),
    ) -> None:
        """Change the note of the run `uid`; None leaves a field as it is, and "" or 0 clears it.

        Tags are added and removed one by one, so that two people who tag the same run at the same time keep both tags.
        Raises OutOfRangeError for a rating outside 0 to 5, InputError for a tag with spaces or commas, StorageError if
        the data folder cannot be written.
        """
        if rating is not None and not 0 <= rating <= HIGHEST_RATING:
            raise OutOfRangeError("rating", rating, 0, HIGHEST_RATING, "stars", "0 removes it.")
        change: dict[str, Any] = {} if comment is None else {"comment": comment.strip()}
        change |= {} if rating is None else {"rating": rating}
        change |= {"add_tags": found} if (found := _tags(add_tags)) else {}
        change |= {"remove_tags": found} if (found := _tags(remove_tags)) else {}
        if change:
            self._journal.append([{"run": uid, "time": time.time(), "by": getpass.getuser(), **change}])

    def set_tags(self, uid: str, tags: Iterable[str]) -> None:
        """Give the run `uid` exactly these tags; raises the same errors as `change`."""
        wanted = set(_tags(tags))
        # As a difference to what is stored: a tag that somebody else adds in between is neither lost nor removed.
        present = set(self.all().get(uid, Note()).tags)
        self.change(uid, add_tags=sorted(wanted - present), remove_tags=sorted(present - wanted))


def tags_in(text: str) -> list[str]:
    """Return the tags in a text, which are separated by commas or spaces."""
    return text.replace(",", " ").split()


def _tags(tags: Iterable[str]) -> list[str]:
    given = list(tags)
    wrong = [tag for tag in given if tags_in(tag) != [tag]]
    if wrong:
        raise InputError(f"{wrong[0]!r} is not a tag: tags have no spaces and no commas. Write for example good-jet.")
    return given


def _changed(note: Note, record: Mapping[str, Any]) -> Note:
    """Return the note after one record; fields of another type, such as those of a later version, are ignored."""
    comment = record.get("comment", note.comment)
    rating = record.get("rating", note.rating)
    added = record.get("add_tags", [])
    removed = record.get("remove_tags", [])
    return replace(
        note,
        comment=comment if isinstance(comment, str) else note.comment,
        rating=rating if isinstance(rating, int) else note.rating,
        tags=tuple(sorted((set(note.tags) | set(added)) - set(removed))),
        changed_s=float(record.get("time", 0.0)),
        by=str(record.get("by", "")),
    )
