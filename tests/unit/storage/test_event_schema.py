"""If these fail, an event that no other program can read is stored, or a good one is refused."""

from __future__ import annotations

from typing import Any

import event_model
import numpy as np
import pytest
from event_model import DocumentNames
from jsonschema import ValidationError

from storage.event_schema import QuickEventSchema, is_plainly_an_event

EVENT: dict[str, Any] = {
    "uid": "e1", "descriptor": "d1", "seq_num": 1, "time": 5.0, "data": {"counts": np.arange(4)},
    "timestamps": {"counts": 4.5}, "filled": {"image": False, "other": "datum/1"},
}  # fmt: skip

WRONG: dict[str, dict[str, Any]] = {
    "no data": {key: value for key, value in EVENT.items() if key != "data"},
    "another field": {**EVENT, "comment": "good"},
    "a number as uid": {**EVENT, "uid": 1},
    "a text as time": {**EVENT, "time": "5"},
    "half a number": {**EVENT, "seq_num": 1.5},
    "true as number": {**EVENT, "seq_num": True},
    "a list as data": {**EVENT, "data": [1, 2]},
    "a number as filled": {**EVENT, "filled": {"image": 0}},
}


@pytest.fixture
def schema() -> QuickEventSchema:
    """The quick check before the real schema, whether or not this process has installed it already."""
    validator = event_model.schema_validators[DocumentNames.event]
    return validator if isinstance(validator, QuickEventSchema) else QuickEventSchema(validator)


def test_an_event_passes_at_once(schema: QuickEventSchema) -> None:
    assert is_plainly_an_event(EVENT)
    schema.validate(EVENT)
    schema.validate({key: value for key, value in EVENT.items() if key != "filled"})


@pytest.mark.parametrize("event", WRONG.values(), ids=WRONG.keys())
def test_what_the_schema_refuses_is_refused(schema: QuickEventSchema, event: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        schema.validate(event)


def test_what_is_not_plain_is_left_to_the_schema(schema: QuickEventSchema) -> None:
    whole = {**EVENT, "seq_num": 2.0}
    assert not is_plainly_an_event(whole)
    schema.validate(whole)
