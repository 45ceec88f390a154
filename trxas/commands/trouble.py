"""A trouble that `trxas doctor` reports."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """Something that may disturb an experiment. A fault makes `trxas doctor` fail, a note does not."""

    subject: str
    text: str
    remedy: str
    is_fault: bool = True

    def __str__(self) -> str:
        return f"{'fault' if self.is_fault else 'note'}: {self.subject}: {self.text} {self.remedy}"
