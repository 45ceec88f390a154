"""Groups and fields of NeXus files."""

from __future__ import annotations

from typing import Any

import numpy as np


def group(parent: Any, name: str, nx_class: str, **attributes: Any) -> Any:
    """Return a new group of a NeXus class below `parent`; raises ValueError if there is one of that name."""
    made = parent.create_group(name)
    made.attrs["NX_class"] = nx_class
    made.attrs.update(attributes)
    return made


def field(parent: Any, name: str, value: Any, unit: str) -> None:
    """Add a field of floating-point numbers in `unit`, "" for none; raises ValueError if there is one of that name."""
    made = parent.create_dataset(name, data=np.asarray(value, dtype=float))
    made.attrs["units"] = unit
