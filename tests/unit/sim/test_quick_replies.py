"""Replies to reads that are made in one step: the bytes are those of caproto."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import caproto
import pytest
from caproto import AlarmSeverity, AlarmStatus, ChannelType

from sim.ioc.channel_access.circuit import PromptCircuit, WriteTurn
from sim.ioc.channel_access.quick_replies import read_reply
from sim.ioc.channel_access.server import PromptContext
from sim.ioc.experiment import BuildOptions
from sim.ioc.records.alarm import separate_alarms
from sim.ioc.xas.beamline import SimulatedBeamline
from sim.physics.sample_file import load_sample

TIMED = (ChannelType.TIME_DOUBLE, ChannelType.TIME_LONG, ChannelType.TIME_ENUM, ChannelType.TIME_STRING)
IOID = 77


@pytest.fixture(scope="module")
def channels() -> Mapping[str, Any]:
    """Every record of the beamline, and fields of two of them, one record in alarm."""
    pvdb = SimulatedBeamline(load_sample(), BuildOptions(seed=1, speed=1.0)).pvdb
    separate_alarms(pvdb)
    asyncio.run(pvdb["7idd:jet:FlowAI"].alarm.write(status=AlarmStatus.COMM, severity=AlarmSeverity.INVALID_ALARM))
    fields = {
        f"{name}.{key}": field for name in ("7idd:m21", "7idd:scaler1") for key, field in pvdb[name].fields.items()
    }
    return {**pvdb, **fields}


def _by_caproto(name: str, entry: Any, wanted: ChannelType) -> bytes:
    """Return the bytes of caproto's reply, as its server makes them."""
    circuit = caproto.VirtualCircuit(caproto.SERVER, ("127.0.0.1", 1), None)
    channel = caproto.ServerChannel(name, circuit, 1)
    metadata, data = asyncio.run(entry.auth_read("host", "user", wanted))
    reply = channel.read(
        data=data, data_type=wanted, data_count=entry.calculate_length(data), status=1, ioid=IOID, metadata=metadata
    )
    return bytes(reply.header) + b"".join(bytes(memoryview(part).cast("B")) for part in reply.buffers)


def _request(wanted: ChannelType, count: int = 0) -> caproto.ReadNotifyRequest:
    return caproto.ReadNotifyRequest(data_type=wanted, data_count=count, sid=1, ioid=IOID)


def test_bytes_are_those_of_caproto(channels: Mapping[str, Any]) -> None:
    """Numbers, choices and arrays, with alarm and time stamp: about every record that a scan reads."""
    quick = 0
    for name, entry in channels.items():
        for wanted in TIMED:
            reply = read_reply(_request(wanted), name, entry)
            if reply is not None:
                quick += 1
                assert reply == _by_caproto(name, entry, wanted), name
    assert quick > 300


@pytest.mark.parametrize("name", ["7idd:scaler1.T", "amofg1a:spc:Frame", "7idd:laser:RateDivider", "7idd:jet:FlowAI"])
def test_what_a_scan_reads_is_answered(channels: Mapping[str, Any], name: str) -> None:
    entry = channels[name]
    wanted = ChannelType[f"TIME_{entry.data_type.name}"]
    assert read_reply(_request(wanted, entry.max_length), name, entry) is not None


def test_anything_else_is_left_to_caproto(channels: Mapping[str, Any]) -> None:
    """Another type, a part of an array, a modifier in the name, a write."""
    current = channels["S:SRcurrentAI"]
    frame = channels["amofg1a:spc:Frame"]
    assert read_reply(_request(ChannelType.CTRL_DOUBLE), "S:SRcurrentAI", current) is None
    assert read_reply(_request(ChannelType.TIME_LONG), "S:SRcurrentAI", current) is None
    assert read_reply(_request(ChannelType.TIME_DOUBLE, 3), "amofg1a:spc:Frame", frame) is None
    assert read_reply(_request(ChannelType.TIME_DOUBLE), 'S:SRcurrentAI.{"ts":{}}', current) is None
    assert read_reply(caproto.EchoRequest(), "S:SRcurrentAI", current) is None


def test_a_read_of_a_pv_that_goes_meanwhile_ends_no_connection() -> None:
    """Lost: all PVs of a client. The put that hides the PV takes effect while the read lets earlier puts begin."""

    async def read_while_it_goes() -> Any:
        circuit: Any = PromptCircuit.__new__(PromptCircuit)
        circuit.circuit = SimpleNamespace(channels_sid={1: SimpleNamespace(name="lock")})
        circuit.context = PromptContext({}, ["127.0.0.1"], port=0)
        circuit.write_event = WriteTurn()
        read = asyncio.create_task(circuit._reply_to(caproto.ReadNotifyRequest(ChannelType.DOUBLE, 1, 1, IOID)))
        await asyncio.sleep(0)
        await circuit.context.hide("lock")
        return await read

    assert asyncio.run(read_while_it_goes()) is None
