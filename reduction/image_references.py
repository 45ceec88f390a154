"""Where the images of a run are, from its documents of external assets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ImageReference:
    """The images of one exposure: `field` of the event, file, and place `index` of the exposure in the file.

    `frames`: images per exposure; `spec`: format of the file; `events`: number of events of the run so far.
    """

    field: str
    path: Path
    index: int
    spec: str
    frames: int
    events: int


def resource_path(resource: Mapping[str, Any]) -> Path:
    """Return the path of the file that a resource document names; without a root it is below /."""
    return Path(resource.get("root") or "/", resource["resource_path"])


class AssetIndex:
    """Index of resource and datum documents, in which the image of an event is found."""

    def __init__(self) -> None:
        self._resources: dict[str, Mapping[str, Any]] = {}
        self._datums: dict[str, tuple[str, int]] = {}

    def __call__(self, name: str, doc: Mapping[str, Any]) -> None:
        """Take one document; all but those of assets are ignored."""
        if name == "resource":
            self._resources[doc["uid"]] = doc
        elif name == "datum":
            self._remember(doc["resource"], doc["datum_id"], doc["datum_kwargs"])
        elif name == "datum_page":
            for place, datum_id in enumerate(doc["datum_id"]):
                kwargs = {key: values[place] for key, values in doc["datum_kwargs"].items()}
                self._remember(doc["resource"], datum_id, kwargs)

    def find(self, data: Mapping[str, Any], events: int) -> ImageReference | None:
        """Return the image to which the data of an event refer, None without one, and remove it from the index."""
        for field, value in data.items():
            if isinstance(value, str) and value in self._datums:
                # A datum is used by one event, so it is removed when found: the index holds only what is still to come,
                # however long the run is.
                resource_uid, index = self._datums.pop(value)
                resource = self._resources[resource_uid]
                return ImageReference(
                    field=field,
                    path=resource_path(resource),
                    index=index,
                    spec=str(resource["spec"]),
                    frames=int(resource.get("resource_kwargs", {}).get("frame_per_point", 1)),
                    events=events,
                )
        return None

    def _remember(self, resource: str, datum_id: str, kwargs: Mapping[str, Any]) -> None:
        if resource in self._resources:
            self._datums[datum_id] = (resource, int(kwargs.get("point_number", 0)))
