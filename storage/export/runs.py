"""Exports of stored runs by their keys, one by one or combined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from errors import InputError
from reduction.kinds import combine_runs
from reduction.run_kind import CombineChoice
from storage.chains import load_dataset
from storage.export.files import write_export
from storage.export.source import combined_export, run_export
from storage.image_reading import read_image

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from storage.runs import RunKey, RunSource


def export_runs(
    store: RunSource,
    keys: Sequence[RunKey],
    file_format: str,
    folder: Path,
    *,
    combine: bool = False,
    force: bool = False,
) -> list[Path]:
    """Export runs into a folder, each into files of its own or all combined into one spectrum or trace.

    `force` combines runs whose sample, settings or calibrations differ; the files name the differences.
    Returns the files. Raises InputError for an unknown format or runs that cannot be combined, ReductionError for runs
    without curves, and StorageError for an unknown run or a folder that cannot be written.
    """
    if not keys:
        raise InputError("No runs are given. Give uids, scan ids, or -1 for the latest run.")
    runs = [load_dataset(store, key) for key in keys]
    if combine:
        together = combine_runs(runs, read_image, CombineChoice(force=force))
        return write_export(folder, combined_export(runs, together), file_format)
    return [path for run in runs for path in write_export(folder, run_export(run), file_format)]
