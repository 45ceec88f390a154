"""A campaign in one folder: raw and reduced data, figures, settings, null tests, a report, and checksums."""

from __future__ import annotations

import contextlib
import hashlib
import html
import json
import os
import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from errors import InputError, ReductionError, StorageError
from reduction.kinds import summed
from storage import load_dataset
from storage.export.files import write_export
from storage.export.source import iso_time, run_export
from storage.image_reading import read_image
from storage.journal import journal_paths, uid_of
from storage.table.computed_row import opened
from storage.table.formats import FORMATS, html_table, null_tests_csv
from storage.table.html_page import html_page
from storage.table.night_table import HERE, NightTable
from trxas.results.figures import figure_of, save

if TYPE_CHECKING:
    from processes.cluster import Cluster
    from reduction.types import Documents
    from storage import RunSummary, Store
    from storage.table.html_page import html_page
from storage.table.night_table import NightRow

SETTINGS = ("calibrations.json", "notes.jsonl", "columns.py")
"""Files of the data folder that explain its runs."""


def write_bundle(
    store: Store,
    runs: Sequence[RunSummary],
    folder: Path,
    progress: Callable[[int, int], object],
    cluster: Cluster = HERE,
) -> Path:
    """Write a bundle of these runs to a new folder and return it; it appears only when it is complete.

    `progress` is called with the number of runs that are done and have to be done. The processes of `cluster` need the
    data folder and the new one at the same paths. Raises InputError without runs or
    for a folder that exists, StorageError if it cannot be written or a run cannot be read.
    """
    if not runs:
        raise InputError("No runs fit. `trxas runs list` shows them; give another --search.")
    if folder.exists():
        raise InputError(f"{folder} exists already. Give a new folder, so that no file of another bundle is in it.")
    # Beside the final folder, so that the rename at the end stays on one file system and is atomic.
    part = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        part.mkdir(parents=True)
        _fill(part.resolve(), store, runs, progress, cluster)
        part.rename(folder)
    except OSError as error:
        raise StorageError(f"{folder} cannot be written: {error}. Check its disk and permissions.") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder


def _fill(
    folder: Path, store: Store, runs: Sequence[RunSummary], progress: Callable[[int, int], object], cluster: Cluster
) -> None:
    """Write everything; the checksums come last."""
    _copy_raw(folder, store, runs)
    table = NightTable(store)
    rows = table.rows(runs, cluster=cluster)
    columns = table.columns()
    for ending, text in FORMATS.items():
        (folder / f"night{ending}").write_text(text(rows, columns), encoding="utf-8")
    (folder / "null-tests.csv").write_text(null_tests_csv(rows), encoding="utf-8")
    sections = []
    progress(0, len(rows))
    own = partial(_add_run, folder, store)
    # One process writes as it goes. Several get the folder and the row alone: an open store cannot be sent to another
    # process.
    added = (
        map(own, rows)
        if cluster == HERE
        else cluster.map(_add_run_elsewhere, [(folder, store.root, row) for row in rows])
    )
    for number, section in enumerate(added, start=1):
        sections.append(section)
        progress(number, len(rows))
    parts = [f"<h1>Campaign of {len(rows)} runs</h1>", html_table(rows, columns), "\n".join(sections)]
    page = html_page("Campaign", "\n".join(parts), rules=["img { max-width: 100%; }"])
    (folder / "index.html").write_text(page, encoding="utf-8")
    _write_manifest(folder, runs)


def _copy_raw(folder: Path, store: Store, runs: Sequence[RunSummary]) -> None:
    """Copy the journals and what explains them; runs of another process's catalogue alone have no journal."""
    wanted = {run.uid for run in runs}
    raw = folder / "raw"
    settings = folder / "settings"
    raw.mkdir()
    settings.mkdir()
    for path in journal_paths(store.root):
        if uid_of(path) in wanted:
            shutil.copy2(path, raw)
    for name in SETTINGS:
        with contextlib.suppress(FileNotFoundError):
            shutil.copy2(store.root / name, settings)


def _add_run_elsewhere(wanted: tuple[Path, Path, NightRow]) -> str:
    folder, root, row = wanted
    return _add_run(folder, opened(root), row)


def _add_run(folder: Path, store: Store, row: NightRow) -> str:
    """Write the reduced files, the figure and the start document of a run; return its section of the report."""
    documents = load_dataset(store, row.run.uid)
    start = documents[0][1]
    name = f"{row.run.scan_id or 0:05d}_{row.run.uid[:8]}"
    settings = folder / "settings" / f"{name}.json"
    settings.write_text(json.dumps(start, indent=1, default=str), encoding="utf-8")
    title = f"Run {row.run.scan_id}: {row.run.plan_name} {row.run.sample} {row.run.edge}"
    try:
        export = run_export(documents)
        for file_format in ("nexus", "csv"):
            write_export(folder / "reduced", export, file_format)
        lines: Sequence[str] = export.lines
    except (ReductionError, InputError) as error:
        # A run without results is in the bundle as it was measured, with the reason.
        lines = [str(error)]
    picture = write_figure(folder / "figures", name, documents)
    image = f'<img src="figures/{html.escape(picture)}" alt="figure of the run">' if picture else ""
    text = html.escape("\n".join(lines))
    return f'<h2 id="{html.escape(row.run.uid)}">{html.escape(title)}</h2>\n{image}\n<pre>{text}</pre>'


def write_figure(folder: Path, name: str, documents: Documents) -> str:
    """Draw a run as PNG and PDF; return the name of the PNG, "" for a run without a figure.

    Raises OSError if the files cannot be written.
    """
    try:
        reduction = summed(documents, read_image)
        figure = figure_of(reduction.results(), reduction)
    except (ReductionError, InputError):
        return ""
    if figure is None:
        return ""
    save(figure, folder / f"{name}.pdf")
    return save(figure, folder / f"{name}.png").name


def _write_manifest(folder: Path, runs: Sequence[RunSummary]) -> None:
    """Write `manifest.json` and `SHA256SUMS`, which `sha256sum --check` reads; sizes are in bytes."""
    # Last of all: every file that exists by now is in the sums, except the two that are written below.
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    files: list[dict[str, Any]] = [
        {
            "path": path.relative_to(folder).as_posix(),
            "size": path.stat().st_size,
            "time": iso_time(path.stat().st_mtime),
            "sha256": _sha256(path),
        }
        for path in paths
    ]
    measured = [{"uid": run.uid, "scan_id": run.scan_id, "started": iso_time(run.time_s)} for run in runs]
    manifest = {"format": "trxas bundle", "version": 1, "runs": measured, "files": files}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    manifest_line = f"{_sha256(folder / 'manifest.json')}  manifest.json"
    sums = [*(f"{one['sha256']}  {one['path']}" for one in files), manifest_line]
    (folder / "SHA256SUMS").write_text("\n".join(sums) + "\n", encoding="utf-8")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
