"""Which sections of a campaign are measured, in a file that survives the process."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from errors import InputError, StorageError
from storage.atomic_file import write_atomically
from trxas.validation.types import Uids


@dataclass(frozen=True, kw_only=True)
class MeasuredSection:
    """The runs of a measured section by name, and the calibrations in force at its end."""

    uids: Uids
    calibrations: Mapping[str, Any]


class CampaignProgress:
    """The measured sections of the campaign whose state is in the file `path`.

    Without `resume` the campaign starts from nothing, and the file changes when the first section has been measured.
    `calibrations` are those in use at the start: a simulated beamline has none of its own after a restart. `campaign`
    identifies the campaign in the start documents of its runs, also after an interruption. Raises StorageError if the
    file cannot be read.
    """

    def __init__(self, path: Path, *, resume: bool) -> None:
        self._path = path
        self._sections = self._read() if resume and path.exists() else {}
        self.calibrations = _latest(self._sections.values())
        self.campaign = self._identify(resume=resume)

    @property
    def measured(self) -> dict[str, Uids]:
        """The runs of every measured section, by its name."""
        return {name: section.uids for name, section in self._sections.items()}

    def require_sample(self, sample: str | None, fingerprint: str) -> None:
        """Note the simulated sample of the campaign, by name (None: the simulation's own) and by its file's contents.

        Raises InputError if the sections that are measured already belong to another one.
        """
        path = self._path.with_suffix(".sample")
        if self._sections and path.exists():
            before = json.loads(path.read_text(encoding="utf-8"))
            # The contents decide, not the name: an edited file of the same name would mix two samples in one table.
            if before["fingerprint"] != fingerprint:
                raise InputError(
                    f"--sample {sample or '(none)'}: {', '.join(self._sections)} in {self._path.parent} were measured "
                    f"on another sample, {before['sample'] or 'that of the simulation'}. Give that one, or measure "
                    "this one into a folder of its own with --output."
                )
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps({"sample": sample, "fingerprint": fingerprint}))

    def forget(self, name: str) -> None:
        """Mark a section for another measurement, with the calibrations from before it.

        The file does not change yet.
        """
        if name in self._sections:
            # Sections stand in the order of measurement. The calibrations in force before this section are those at the
            # end of the latest section before it.
            names = list(self._sections)
            self.calibrations = _latest(self._sections[before] for before in names[: names.index(name)])
            del self._sections[name]

    def remember(self, name: str, uids: Uids, calibrations: Mapping[str, Any]) -> None:
        """Write to the file that a section is measured; the file is complete at any time.

        Raises OSError if it cannot be written.
        """
        self._sections[name] = MeasuredSection(uids=uids, calibrations=dict(calibrations))
        self._path.parent.mkdir(parents=True, exist_ok=True)
        content = {name: asdict(section) for name, section in self._sections.items()}
        write_atomically(self._path, json.dumps(content, indent=2))

    def _identify(self, *, resume: bool) -> str:
        # A file of its own, written before the first run: a session killed in the first section must find its runs
        # again, and the file of the sections does not exist yet then.
        path = self._path.with_suffix(".campaign")
        if not (resume and path.exists()):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, str(uuid.uuid4()))
        return path.read_text(encoding="utf-8")

    def _read(self) -> dict[str, MeasuredSection]:
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
            return {
                name: MeasuredSection(uids=dict(section["uids"]), calibrations=dict(section["calibrations"]))
                for name, section in content.items()
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise StorageError(f"Cannot read {self._path}: {error!r}. Remove it to restart the campaign.") from error


def _latest(sections: Iterable[MeasuredSection]) -> Mapping[str, Any]:
    return next((section.calibrations for section in reversed(list(sections))), {})
