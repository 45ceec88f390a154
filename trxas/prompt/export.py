"""Export of stored runs at the prompt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from storage import RunKey, Store
from storage.export.runs import export_runs


def export_function(store: Store) -> Callable[..., list[Path]]:
    """Return the function `export` for one store."""

    def export(
        keys: RunKey | Sequence[RunKey] = -1,
        format: str = "nexus",  # noqa: A002  # as the option of the command
        folder: str | Path = ".",
        *,
        combine: bool = False,
        force: bool = False,
    ) -> list[Path]:
        """Export runs for other programs, on, off and transient with their errors; return the files.

        `keys`: a uid, a scan id or -1 for the latest run, or a list of them. `format`: "nexus", "xdi", "hdf5" or "csv".
        `combine`: write the runs as one spectrum or trace, with `force` also runs that differ, as `combine` does.
        Existing files are not overwritten. Raises InputError for
        runs that the format cannot hold, StorageError for an unknown run.
        """
        chosen = [keys] if isinstance(keys, str | int) else list(keys)
        return export_runs(store, chosen, format, Path(folder), combine=combine, force=force)

    return export
