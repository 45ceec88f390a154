"""Quick validation of events: bluesky checks each one against a JSON schema, which takes 1 ms of a point's 20.

Events that plainly have the form of the schema pass at once. The schema itself decides on all others, and words the
error.
"""

from __future__ import annotations

from typing import Any, Protocol

import event_model
from event_model import DocumentNames

TYPES: dict[str, type | tuple[type, ...]] = {
    "uid": str, "descriptor": str, "seq_num": int, "time": (float, int), "data": dict, "timestamps": dict,
    "filled": dict,
}  # fmt: skip
"""Types of all fields that an event has by the schema (event-model 1.24); only `filled` may be missing."""


class Schema(Protocol):
    """A validator of documents of one kind."""

    def validate(self, document: Any) -> None:
        """Raise jsonschema's ValidationError unless `document` fits."""


class QuickEventSchema:
    """The schema of events behind a check that takes microseconds."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema

    def validate(self, document: Any) -> None:
        """Raise jsonschema's ValidationError unless `document` is an event."""
        if not is_plainly_an_event(document):
            self._schema.validate(document)


def is_plainly_an_event(document: Any) -> bool:
    """Return whether `document` fits the schema of events as far as this can be seen without the schema.

    False means unknown: subclasses and numpy types are left to the schema.
    """
    if not isinstance(document, dict) or not TYPES.keys() - {"filled"} <= document.keys() <= TYPES.keys():
        return False
    if not all(isinstance(value, TYPES[key]) and not isinstance(value, bool) for key, value in document.items()):
        return False
    return all(isinstance(value, bool | str) for value in document.get("filled", {}).values())


def validate_events_quickly() -> None:
    """Let every RunEngine and writer of this process validate events quickly; more calls change nothing."""
    schemas: dict[DocumentNames, Schema] = event_model.schema_validators
    schema = schemas[DocumentNames.event]
    if not isinstance(schema, QuickEventSchema):
        schemas[DocumentNames.event] = QuickEventSchema(schema)
