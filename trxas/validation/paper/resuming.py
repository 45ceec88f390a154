"""A session for a part of the campaign that was interrupted: runs it has already are kept, half ones completed."""

from __future__ import annotations

from dataclasses import fields

import bluesky.preprocessors as bpp

from errors import InputError
from storage import find_starts, load_dataset
from trxas.session.resume import is_complete, resume_run
from trxas.session.session import Plan, Session


class ResumingSession(Session):
    """`session`, but each run that the part measures carries the campaign and its place, and is found again by them."""

    def __init__(self, session: Session, campaign: str, part: str) -> None:
        super().__init__(**{item.name: getattr(session, item.name) for item in fields(Session) if item.init})
        self._session, self._campaign, self._part, self._place = session, campaign, part, 0

    def measure(self, plan: Plan) -> str:
        """The run of this place in the part if it is there, the rest of it if it was interrupted, else `plan`."""
        self._place += 1
        marks = {"campaign": self._campaign, "campaign_part": f"{self._part} {self._place}"}
        for start in reversed(find_starts(self.store, **marks)):
            documents = load_dataset(self.store, start["uid"])
            if is_complete(documents) or self._is_completed(start["uid"]):
                plan.close()
                return str(documents[0][1]["uid"])
        return self._session.measure(bpp.inject_md_wrapper(plan, marks))

    def _is_completed(self, uid: str) -> bool:
        try:
            resume_run(self._session, uid)
        except InputError as error:
            # Calibrated anew since, for example: then its half is worth nothing, and all of it is measured.
            print(f"  run {uid[:8]} is not gone on with: {error}")
            return False
        return True
