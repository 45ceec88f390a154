"""Fields of the synApps scaler record, which caproto does not have; declared here and registered with it."""

from __future__ import annotations

from typing import Any

from caproto import ChannelType
from caproto.server import pvproperty
from caproto.server.records.records import RecordFieldGroup
from caproto.server.records.utils import register_record

CHANNELS = 32
"""Channels of the record that stock ophyd's EpicsScaler and ScalerCH ask for."""

NAME_LENGTH = 15
"""Longest channel name NMn, characters (scaler record: 16 bytes, one a null)."""

COUNT_MAX = 2**32 - 1
"""Channels are unsigned 32-bit counters; Channel Access carries them as doubles."""

CLOCK_HZ = 1e7
"""FREQ: 10 MHz, the clock of the usual scaler cards and the record's default."""


def _number(name: str, value: float, doc: str, **options: Any) -> Any:
    return pvproperty(name=name, value=value, dtype=float, doc=doc, **options)


def _choice(name: str, choices: list[str], value: str, doc: str) -> Any:
    return pvproperty(name=name, value=value, dtype=ChannelType.ENUM, enum_strings=choices, doc=doc)


def _text(name: str, doc: str) -> Any:
    return pvproperty(name=name, value="", dtype=ChannelType.STRING, doc=doc)


def _short(name: str, value: int, doc: str, **options: Any) -> Any:
    return pvproperty(name=name, value=value, dtype=ChannelType.INT, doc=doc, **options)


def _channel_fields() -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for n in range(1, CHANNELS + 1):
        fields[f"counts_{n}"] = _number(f"S{n}", 0.0, f"Counts of channel {n}", read_only=True, units="counts")
        fields[f"name_{n}"] = _text(f"NM{n}", f"Name of channel {n}")
        fields[f"preset_{n}"] = _number(f"PR{n}", 0.0, f"Preset of channel {n}", units="counts")
        fields[f"gate_{n}"] = _choice(f"G{n}", ["N", "Y"], "Y" if n == 1 else "N", f"Channel {n} ends the count")
        fields[f"direction_{n}"] = _choice(f"D{n}", ["Up", "Dn"], "Dn" if n == 1 else "Up", f"Direction of channel {n}")
    return fields


def _record_fields() -> dict[str, Any]:
    return {
        "count": _choice("CNT", ["Done", "Count"], "Done", "Count"),
        "previous_count": _choice("PCNT", ["Done", "Count"], "Done", "Previous count"),
        "count_mode": _choice("CONT", ["OneShot", "AutoCount"], "OneShot", "OneShot or AutoCount"),
        "scaler_state": _short("SS", 0, "Scaler state", read_only=True),
        "user_state": _short("US", 0, "User state", read_only=True),
        "channels": _short("NCH", CHANNELS, "Number of channels", read_only=True),
        "frequency": _number("FREQ", CLOCK_HZ, "Clock frequency", units="Hz", precision=0),
        "preset_time": _number("TP", 1.0, "Preset counting time", units="s", precision=3),
        "auto_preset_time": _number("TP1", 1.0, "Preset time of auto-count", units="s", precision=3),
        "elapsed_time": _number("T", 0.0, "Time counted", units="s", precision=3, read_only=True),
        "delay": _number("DLY", 0.0, "Delay before counting", units="s", precision=3),
        "auto_delay": _number("DLY1", 0.0, "Delay before auto-counting", units="s", precision=3),
        "display_rate": _number("RATE", 10.0, "Display rate", units="Hz", precision=1),
        "auto_display_rate": _number("RAT1", 0.0, "Display rate of auto-count", units="Hz", precision=1),
        "units": _text("EGU", "Units"),
        "display_precision": _short("PREC", 3, "Display precision"),
        "count_start_link": _text("COUT", "Link written at CNT changes"),
        "count_prompt_link": _text("COUTP", "Link written promptly at CNT changes"),
        "code_version": _number("VERS", 3.19, "Code version", read_only=True),
    }


class ScalerFields(RecordFieldGroup):
    """All fields of a scaler record (names, types and defaults of the synApps scaler record's manual)."""

    _record_type = "scaler"
    _dtype = ChannelType.DOUBLE
    has_val_field = True
    locals().update(_record_fields() | _channel_fields())


register_record(ScalerFields)
