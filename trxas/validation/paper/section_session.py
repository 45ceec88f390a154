"""The session as a section of the paper uses it: each run has a key by which a resumed campaign finds it again."""

from __future__ import annotations

import re
from collections.abc import Callable

import bluesky.preprocessors as bpp

from errors import InputError
from plans.types import AnyPlan
from storage import find_starts, load_dataset
from trxas.session.resume import is_complete, resume_run
from trxas.session.session import Session
from trxas.validation.types import Report

CAMPAIGN = "campaign"
SECTION = "campaign_part"
KEY = "campaign_run"
"""Fields of the start documents: the campaign, the section, and the key of the run in the section."""


class SectionSession:
    """Session for the plans of one `section` of a `campaign`.

    If `resumable`, a run that was measured before under the same key is used again, and one that was interrupted is
    completed. Runs are identified by the fields of their start documents alone: the order of calls does not matter.
    """

    def __init__(self, session: Session, *, campaign: str, section: str, resumable: bool, report: Report) -> None:
        self.session = session
        self._campaign = campaign
        self._section = section
        self._resumable = resumable
        self._report = report
        if resumable:
            self._report_runs_without_key()

    def plans(self) -> dict[str, Callable[..., AnyPlan]]:
        """Return the scans of the beamline by name."""
        return self.session.plans()

    def measure(self, key: str, plan: AnyPlan) -> str:
        """Return the uid of the run `key`: found complete, completed, or measured with `plan`.

        Raises the same errors as `Session.measure`.
        """
        marks = {CAMPAIGN: self._campaign, SECTION: self._section, KEY: key}
        # The marks in the start documents are the only memory: reordered, added or removed calls of `measure` find
        # their own runs. A run that was interrupted is completed rather than measured again, since a run of the paper
        # takes hours of beam time.
        found = self._found(marks) if self._resumable else None
        if found is not None:
            plan.close()
            return found
        return self.session.measure(bpp.inject_md_wrapper(plan, marks))

    def _found(self, marks: dict[str, str]) -> str | None:
        """Return the uid of a dataset with these marks that is complete, or could be completed; otherwise None."""
        store = self.session.store
        # The latest attempt first: an earlier one may have been measured with calibrations that were replaced since.
        for start in reversed(find_starts(store, **marks)):
            documents = load_dataset(store, start["uid"])
            if is_complete(documents) or self._is_completed(start["uid"]):
                return str(documents[0][1]["uid"])
        return None

    def _is_completed(self, uid: str) -> bool:
        try:
            resume_run(self.session, uid)
        except InputError as error:
            # A calibration that has changed since, for example: the run cannot be completed and is measured again.
            self._report(f"  run {uid[:8]} cannot be resumed and is measured again: {error}")
            return False
        return True

    def _report_runs_without_key(self) -> None:
        """Report runs of version 0.1, which marked them by their place and not by what they measured."""
        numbered = re.compile(rf"{re.escape(self._section)} \d+")
        starts = find_starts(self.session.store, **{CAMPAIGN: self._campaign})
        old = [start["uid"][:8] for start in starts if numbered.fullmatch(str(start.get(SECTION, "")))]
        if old:
            self._report(
                f"  runs {', '.join(old)} of this section were measured by trxas 0.1, which gave them no key. They "
                "stay in the store; the section is measured again."
            )
