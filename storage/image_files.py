"""Which image of which file belongs to which event, and a file of only these images if the detector wrote more.

The catalogue assigns the images in a run's files to its events, one after the other. An additional image, of an
exposure that was repeated or whose event was never stored, would shift all that follow. Such a run gets a virtual
dataset beside its files: a few kB that refer to the right images in the right order.
"""

from __future__ import annotations

import contextlib
import itertools
import uuid
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py  # type: ignore[import-untyped]  # it has no annotations

from errors import StorageError
from reduction.events import events_of
from reduction.image_references import resource_path
from storage.image_reading import DATASET

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from storage.documents import Document, NamedDocument

SPEC = "AD_HDF5"
"""Kind of resource that ophyd's classes for the HDF5 plugin declare."""


@dataclass(frozen=True, kw_only=True)
class ImageRow:
    """One image: its `datum_id` in the documents, its file, and its index there."""

    datum_id: str
    path: Path
    index: int


class ImageRows:
    """The images of a run's events, `by_field`: call it with every `(name, document)` of the run, in order."""

    def __init__(self) -> None:
        self.by_field: dict[str, list[ImageRow]] = defaultdict(list)
        self._resources: dict[str, Document] = {}
        self._datums: dict[str, Document] = {}

    def __call__(self, name: str, doc: Mapping[str, Any]) -> None:
        """Take one document; raises KeyError for one without the keys of its kind."""
        if name == "resource" and doc["spec"] == SPEC and doc["resource_kwargs"].get("frame_per_point", 1) == 1:
            self._resources[doc["uid"]] = dict(doc)
        elif name == "datum" and doc["resource"] in self._resources:
            self._datums[doc["datum_id"]] = dict(doc)
        for event in events_of(name, doc):
            self._take(event["data"])

    def _take(self, data: Mapping[str, Any]) -> None:
        for field, value in data.items():
            datum = self._datums.get(value) if isinstance(value, str) else None
            if datum is not None:
                path = resource_path(self._resources[datum["resource"]])
                self.by_field[field].append(
                    ImageRow(datum_id=value, path=path, index=int(datum["datum_kwargs"]["point_number"]))
                )

    @property
    def are_straight(self) -> bool:
        """Whether the files hold exactly the images of the events, in their order."""
        return all(map(_is_straight, self.by_field.values()))


def _is_straight(rows: Sequence[ImageRow]) -> bool:
    # Straight: within each file the events use images 0, 1, 2, ... and nothing is left at its end. A file that cannot
    # be seen from here is taken to be straight, as nothing better is known.
    files = [(path, [row.index for row in group]) for path, group in itertools.groupby(rows, lambda row: row.path)]
    in_order = all(indices == list(range(len(indices))) for _, indices in files)
    return in_order and all(_count(path) in (None, len(indices)) for path, indices in files)


def _count(path: Path) -> int | None:
    """Return the number of images in a file; None if this process cannot read the file."""
    with contextlib.suppress(OSError, KeyError), h5py.File(path, locking=False) as file:
        return len(file[DATASET])
    return None


def straightened(documents: Iterable[NamedDocument]) -> list[NamedDocument]:
    """Return the documents, with one virtual file per field if the run's files hold other images too.

    Events stay as they are. Raises `StorageError` if a virtual file cannot be written.
    """
    documents = list(documents)
    rows = ImageRows()
    for name, doc in documents:
        rows(name, doc)
    if rows.are_straight:
        return documents
    # The datums keep their ids, so the events need no change; only what a datum refers to is replaced: the new
    # resource, and the place of the image in it.
    replaced: dict[str, tuple[str, int]] = {}
    resources: list[NamedDocument] = []
    for field, images in rows.by_field.items():
        resource = _virtual_resource(documents[0][1]["uid"], field, images)
        resources.append(("resource", resource))
        replaced |= {row.datum_id: (resource["uid"], index) for index, row in enumerate(images)}
    return [documents[0], *resources, *_without_files(documents[1:], replaced)]


def _without_files(
    documents: Iterable[NamedDocument], replaced: Mapping[str, tuple[str, int]]
) -> Iterable[NamedDocument]:
    for name, doc in documents:
        if name == "datum" and doc["datum_id"] in replaced:
            resource, index = replaced[doc["datum_id"]]
            yield name, {**doc, "resource": resource, "datum_kwargs": {"point_number": index}}
        elif name != "resource" or doc["spec"] != SPEC:
            yield name, doc


def _virtual_resource(run_uid: str, field: str, rows: Sequence[ImageRow]) -> Document:
    path = rows[0].path.with_name(f"{run_uid}-{field}.h5")
    try:
        _write_virtual(path, rows)
    except (OSError, KeyError) as error:
        raise StorageError(
            f"The images of run {run_uid} cannot be put in order in {path}: {error}. Check the folder and its free "
            "space, then open the store again; the images are safe in their files."
        ) from error
    return {
        "spec": SPEC,
        "root": "/",
        "resource_path": str(path.relative_to("/")),
        "resource_kwargs": {"frame_per_point": 1},
        "path_semantics": "posix",
        "uid": str(uuid.uuid4()),
        "run_start": run_uid,
    }


def _write_virtual(path: Path, rows: Sequence[ImageRow]) -> None:
    with h5py.File(rows[0].path, locking=False) as file:
        shape = file[DATASET].shape[1:]
        dtype = file[DATASET].dtype
    # By file name only: HDF5 looks for the sources beside the virtual file, so a data folder may move as a whole.
    layout = h5py.VirtualLayout((len(rows), *shape), dtype)
    for place, row in enumerate(rows):
        source = h5py.VirtualSource(row.path.name, DATASET, (row.index + 1, *shape), dtype)
        layout[place] = source[row.index]
    with h5py.File(path, "w", locking=False) as file:
        file.create_virtual_dataset(DATASET, layout)
