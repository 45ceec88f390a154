"""Alarms as EPICS records have them: one per record, and untouched by a write that was refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from caproto import AlarmStatus, ChannelAlarm


class RecordAlarm(ChannelAlarm):
    """Alarm of one record and all its fields.

    caproto sets a major WRITE alarm when a putter raises, and never clears it. In EPICS the error of a refused put goes
    to the writer alone, so that status is ignored here.
    """

    async def write(self, *, status: AlarmStatus | None = None, **kwargs: Any) -> None:
        """Set the alarm and notify the subscribers of the record; an alarm about a refused write is ignored."""
        if status is not AlarmStatus.WRITE:
            await super().write(status=status, **kwargs)


def separate_alarms(pvdb: Mapping[str, Any]) -> None:
    """Give each record of `pvdb` its own alarm, shared by its fields.

    By default caproto shares one alarm among all records of a group, and another among the fields of a record.
    """
    # With a shared alarm, one stalled motor would put every record of its group into MAJOR alarm, and a client could
    # not tell which device is wrong. Fields share the alarm of their record, as STAT and SEVR do in EPICS.
    for record in set(pvdb.values()):
        alarm = RecordAlarm(status=record.alarm.status, severity=record.alarm.severity)
        record.alarm = alarm
        for field in getattr(record, "fields", {}).values():
            field.alarm = alarm
        if getattr(record, "field_inst", None) is not None:
            record.field_inst._alarm = alarm  # what the fields STAT and SEVR show; caproto has no public way
            alarm.connect(record.field_inst)
