"""Memory of the forms in the data folder: the values that were queued last, and named templates."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from errors import StorageError
from storage.atomic_file import write_atomically

_log = logging.getLogger(__name__)

FILE = "plan_templates.json"
"""Name in the data folder: everyone who measures there shares the templates."""

LAST = "last"
TEMPLATES = "templates"


class PlanMemory:
    """Values and templates in the file `path`; with None they last as long as the window.

    Several windows may use one file: it is read again before every change.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._content: dict[str, Any] = {}

    @property
    def last(self) -> Mapping[str, Any]:
        """Values of the latest queued plans by parameter name, in the parameters' units.

        A name means the same quantity in every plan.
        """
        return dict(self._read().get(LAST, {}))

    def remember(self, values: Mapping[str, Any]) -> None:
        """Remember `values` for the next form; raises nothing, as in a folder that cannot be written."""
        try:
            self._change(LAST, {**self.last, **values})
        except StorageError as error:
            _log.warning("%s", error)

    def names(self, plan: str) -> list[str]:
        """Return the names of the templates of a plan, in alphabetical order."""
        return sorted(self._templates().get(plan, {}))

    def template(self, plan: str, name: str) -> Mapping[str, Any]:
        """Return the arguments of a template; empty if another window has deleted it."""
        return dict(self._templates().get(plan, {}).get(name, {}))

    def save(self, plan: str, name: str, arguments: Mapping[str, Any]) -> None:
        """Save `arguments` as the template `name`, in place of one with that name; raise StorageError if impossible."""
        templates = self._templates()
        self._change(TEMPLATES, {**templates, plan: {**templates.get(plan, {}), name: dict(arguments)}})

    def delete(self, plan: str, name: str) -> None:
        """Delete a template; raise StorageError if the file cannot be written."""
        templates = self._templates()
        left = {key: value for key, value in templates.get(plan, {}).items() if key != name}
        self._change(TEMPLATES, {**templates, plan: left})

    def _templates(self) -> dict[str, dict[str, Any]]:
        return dict(self._read().get(TEMPLATES, {}))

    def _change(self, key: str, value: Any) -> None:
        self._content = {**self._read(), key: value}
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._path, json.dumps(self._content, indent=1, sort_keys=True))
        except (OSError, TypeError) as error:
            raise StorageError(
                f"{self._path} cannot be written ({error}), so the template is not saved. Check that the data folder "
                "can be written."
            ) from error

    def _read(self) -> dict[str, Any]:
        if self._path is None:
            return self._content
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            # A file that somebody has edited wrongly must not keep the forms from opening.
            _log.warning("%s cannot be read (%s); forms start without templates.", self._path, error)
            return {}
        return found if isinstance(found, dict) else {}
