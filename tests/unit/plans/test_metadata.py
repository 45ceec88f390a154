"""If these fail, metadata end a run after the shutter has moved, or come back from the catalogue as something else."""

from __future__ import annotations

import json
import math
from enum import Enum
from typing import Any

import numpy as np
import pytest

from errors import InputError
from plans.metadata import storable_metadata


class Colour(Enum):
    RED = "red"


HOLDS_ITSELF: list[Any] = []
HOLDS_ITSELF.append(HOLDS_ITSELF)


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (np.int64(3), 3),
        (np.float32(0.5), 0.5),
        (np.bool_(False), False),
        (np.str_("x"), "x"),
        (np.arange(4).reshape(2, 2), [[0, 1], [2, 3]]),
        ((1, (2.0, "a")), [1, [2.0, "a"]]),
        ({"power": {"mean": np.float64(1.5)}}, {"power": {"mean": 1.5}}),
        (2**53, 2**53),
        (Colour.RED, "red"),
        (None, None),
        ("µm ü", "µm ü"),
    ],
)
def test_what_can_be_stored_comes_back_equal(value: Any, stored: Any) -> None:
    md = storable_metadata({"key": value})
    assert md == {"key": stored}
    assert json.loads(json.dumps(md, allow_nan=False)) == md
    assert type(md["key"]) is type(stored)


@pytest.mark.parametrize(
    ("md", "message"),
    [
        ("vial", "give a mapping"),
        ({"": 1}, r"md\[''\]: a key must not be empty"),
        ({"laser.power": 1}, r"md\['laser.power'\].*a dot"),
        ({"laser": {"a/b": 1}}, r"md\['laser'\]\['a/b'\].*slash"),
        ({1: 2}, r"md\[1\]: the key is of type int. Give strings as keys"),
        ({"pulse": 1764338400123456789}, r"md\['pulse'\] = 1764338400123456789 lies beyond \+-2\^53.*a string"),
        ({"pulses": [0, -(2**53) - 1]}, r"md\['pulses'\]\[1\]"),
        ({"pulse": np.uint64(2**63)}, r"beyond \+-2\^53"),
        ({"x": {"y": [math.nan]}}, r"md\['x'\]\['y'\]\[0\] = nan is not a finite number"),
        ({"x": np.array([1.0, np.inf])}, r"md\['x'\]\[1\] = inf"),
        ({"x": object()}, r"md\['x'\] is a object, which cannot be stored. Give strings"),
        ({"x": {1, 2}}, r"is a set"),
        ({"x": b"raw"}, r"is a bytes"),
        ({"x": "half \ud800"}, r"not a character"),
        ({"\udfff": 1}, r"not a character"),
        ({"x": 1j}, "is a complex"),
        ({"x": np.datetime64("2026-01-01")}, "is a date"),
        ({"x": HOLDS_ITSELF}, "md is nested deeper than 50 levels, or holds itself"),
    ],
)
def test_what_cannot_be_stored_is_refused_with_the_path_of_its_key(md: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        storable_metadata(md)
