"""Images of a stored run, read through the catalogue from the files of the detector's IOC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from errors import StorageError
from storage.runs import load_run

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from storage.runs import RunKey, RunSource


def load_images(
    store: RunSource,
    key: RunKey,
    field: str = "pilatus_image",
    *,
    select: int | slice = slice(None),
    stream: str = "primary",
) -> NDArray[Any]:
    """Return the images of a run, one per event and in their order, shape (n, rows, columns), counts.

    A masked pixel is -1. `key` is that of `load_run`. `select` is an index: `select=-1` gives the last image, (rows,
    columns), and reads only that. An image of 195 x 487 pixels takes 0.4 MB. Raises `StorageError` if no run or several
    fit, if it has no such field, or if a file cannot be read.
    """
    from tiled.client.utils import ClientError

    uid = load_run(store, key)[0][1]["uid"]
    try:
        images = np.asarray(store.catalogue.connect()[uid][stream].base[field].read(select))
    except (KeyError, ValueError) as error:
        raise StorageError(
            f"Run {uid} has no images {field!r} in its stream {stream!r}. Give a run of the plan `diffraction`."
        ) from error
    except (ClientError, OSError, RuntimeError) as error:
        raise StorageError(
            f"The images of run {uid} cannot be read: {error}. Check that their files, in {store.images}, are still "
            "there; a run that is still open may have to end first."
        ) from error
    # The catalogue returns (events, 1, rows, columns): one frame per event.
    return images.reshape(-1, *images.shape[-2:]) if isinstance(select, slice) else images.reshape(images.shape[-2:])
