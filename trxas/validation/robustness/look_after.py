"""Work of chaos and kills while they wait: restart processes that ended by themselves, give up on hopeless ones."""

from __future__ import annotations

from collections import Counter

from processes.child import ChildError

MOST_FAILED_STARTS = 5
"""Starts in a row that may fail. A fault may end one or two; more have a cause that another restart does not remove."""


class FailedStarts:
    """Counter, by process, of consecutive starts that ended before the process worked."""

    def __init__(self) -> None:
        self._in_a_row: Counter[str] = Counter()

    def note_end(self, name: str, *, has_worked: bool, last_words: str) -> None:
        """Note that a life of the process `name` ended by itself; `has_worked`: it had been ready, or had measured.

        Raises ChildError after `MOST_FAILED_STARTS` consecutive lives that never worked: the next would fail too.
        """
        self._in_a_row[name] = 0 if has_worked else self._in_a_row[name] + 1
        if self._in_a_row[name] >= MOST_FAILED_STARTS:
            raise ChildError(
                f"The {name} was started {MOST_FAILED_STARTS} times in a row and ended each time before it worked. "
                f"Correct what its last output says, then start this command again:\n{last_words}"
            )
