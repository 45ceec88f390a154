"""The connection of one client: prompt replies, monitors before completions, and writes behind the gate."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import caproto
from caproto.asyncio.server import VirtualCircuit as CaprotoCircuit
from caproto.server.common import DisconnectedCircuit

from sim.errors import SimulationInputError
from sim.ioc.channel_access.access import WRITER, Client, WriteGate
from sim.ioc.channel_access.quick_replies import read_reply

OF_A_CHANNEL = (
    caproto.ReadNotifyRequest, caproto.ReadRequest, caproto.WriteNotifyRequest, caproto.WriteRequest,
    caproto.EventAddRequest, caproto.EventCancelRequest, caproto.ClearChannelRequest,
)  # fmt: skip
"""Messages of clients about one channel."""

REPLIES_TOGETHER = 64
"""Replies in one packet: a long list of large arrays must not fill the memory."""

LONGEST_TURN_S = 60.0
"""Longest wait of a put with completion for an earlier one to the same channel, s (rsrv of EPICS base)."""

MOST_TURNS = 50
"""Turns of the event loop that a completion waits for monitors at most: another client may take none."""


class WriteTurn(asyncio.Event):
    """Set while no put is in progress; a read lets an earlier put take its first steps, not more."""

    async def wait(self, timeout: float | None = None) -> bool:  # type: ignore[override]
        """Let other tasks run once unless the turn is free; `timeout`, s, is part of the interface and not used."""
        # caproto lets a read wait up to a millisecond while a put is in progress, so that the read sees its result.
        # Here a put lasts as long as a motion or an exposure, and every read of a scan would pay that millisecond. One
        # turn of the event loop is enough for an earlier put to take effect, and clients rely on no more.
        if not self.is_set():
            await asyncio.sleep(0)
        return self.is_set()


class PromptCircuit(CaprotoCircuit):
    """The connection of one client, without artificial delays."""

    def __init__(self, circuit: Any, client: Any, context: Any) -> None:
        super().__init__(circuit, client, context)
        self.write_event = WriteTurn()
        self._outbox: list[Any] = []
        self._puts: dict[int, asyncio.Event] = {}
        self._begun: asyncio.Event | None = None

    def _get_db_entry_from_command(self, command: Any) -> Any:
        """Return the entry that a command of a client is for; for writes, behind the gate."""
        # caproto has no place for access control by channel. For a write, the client's command therefore gets a
        # stand-in of the record, which asks the gate first; reads and monitors go to the record itself.
        channel, entry = super()._get_db_entry_from_command(command)
        if isinstance(command, caproto.WriteRequest | caproto.WriteNotifyRequest) and self.context.gate is not None:
            return channel, GuardedEntry(entry, self.context.gate, channel.name)
        return channel, entry

    async def _command_queue_iteration(self, command: Any) -> list[Any]:
        """Process `command` and those that wait behind it, and return their replies, which leave in one packet."""
        # A read-out asks for twenty values in one packet. A packet for each answer would cost the server as much as the
        # answers themselves, and wake the client twenty times.
        replies = list(await self._reply_to(command) or ())
        while len(replies) < REPLIES_TOGETHER and not self.command_queue.empty():
            command = self.command_queue.get_nowait()
            if replies and self._must_wait(command):
                await self.send(*replies)
                replies = []
            replies += await self._reply_to(command) or ()
        return replies

    async def _reply_to(self, command: Any) -> Any:
        """Process one command, unless its channel was disconnected in the meantime.

        caproto would then end the loop that answers this client, for all its channels, and leave the connection open.
        """
        channel = self.circuit.channels_sid.get(getattr(command, "sid", None))
        known = channel is not None and not self.context.is_hidden(channel.name)
        if isinstance(command, OF_A_CHANNEL) and not known:
            return None
        if known and isinstance(command, caproto.ReadNotifyRequest):
            await self.write_event.wait()
            if self.context.is_hidden(channel.name):
                return None
            reply = read_reply(command, channel.name, self.context[channel.name])
            if reply is not None:
                return [reply]
        if isinstance(command, caproto.WriteNotifyRequest):
            await self._take_turn(command)
        return await super()._command_queue_iteration(command)

    def _must_wait(self, command: Any) -> bool:
        """Return whether this is a put with completion behind one to the same channel that is not complete."""
        earlier = self._puts.get(command.sid) if isinstance(command, caproto.WriteNotifyRequest) else None
        return earlier is not None and not earlier.is_set()

    async def _take_turn(self, put: caproto.WriteNotifyRequest) -> None:
        """Wait until an earlier put with completion to the same channel is complete, at most a minute.

        All commands behind it wait as well, as in a server of EPICS base (rsrv, `write_notify_action`): a client that
        sends such a put to stop an earlier one waits for its end.
        """
        if self._must_wait(put):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._puts[put.sid].wait(), LONGEST_TURN_S)
        self._begun = asyncio.Event()
        self._puts[put.sid] = self._begun

    async def _start_write_task(self, handle_write: Callable[[], Awaitable[None]]) -> None:
        begun = self._begun
        self._begun = None
        if begun is None:
            await super()._start_write_task(handle_write)
            return

        async def handled() -> None:
            try:
                await handle_write()
            finally:
                begun.set()

        await super()._start_write_task(handled)

    async def _wake_new_command(self) -> None:
        """Do nothing: caproto wakes tasks that wait for a command, and a server has none."""

    async def send(self, *commands: Any) -> None:
        """Send replies, messages of caproto or bytes, whose channel still exists; others are dropped silently."""
        # A put or a read may be in progress when its channel is disconnected. caproto's state machine of the circuit
        # then no longer knows the request, and would raise at the reply: that ends the circuit with all its channels.
        first: Sequence[Any] = ()
        if any(isinstance(command, caproto.WriteNotifyResponse) for command in commands):
            first = await self._waiting_updates()
        if not self.connected:
            return
        buffers: list[Any] = []
        for command in (*first, *commands):
            if isinstance(command, bytes):
                buffers.append(command)
            elif not self._is_orphaned(command):
                buffers += self.circuit.send(command)
        if not buffers:
            return
        try:
            await self._send_buffers(*buffers)
        except (OSError, caproto.CaprotoNetworkError) as error:
            raise DisconnectedCircuit(f"Circuit disconnected: {error}") from error

    async def _waiting_updates(self) -> Sequence[Any]:
        """Take and return the monitor updates that wait for this client: what a put has changed precedes its end."""
        # Stock clients believe the read-back that they have when a move completes, as an IOC in C sends it first. An
        # update goes through two queues, each with a task that needs turns of the event loop. Both are emptied here,
        # so that the updates leave in one packet with the completion.
        for _ in range(MOST_TURNS):
            await self.context.hand_on_updates()
            if self.context.subscription_queue.empty():
                break
            await asyncio.sleep(0)
        known = {each.subscriptionid for together in self.subscriptions.values() for each in together}
        found = []
        while not self.subscription_queue.empty():
            update = self.subscription_queue.get_nowait()()
            if update is not None and update.subscriptionid in known:
                found.append(update)
        return found

    async def _send_buffers(self, *buffers: Any) -> None:
        """Send `buffers` with everything else that is sent in this turn of the event loop, in one packet."""
        # The puts of one move complete together, and each packet wakes the client. The first sender sends for all.
        is_first = not self._outbox
        self._outbox += buffers
        if not is_first:
            return
        try:
            await asyncio.sleep(0)
        finally:
            outbox = self._outbox
            self._outbox = []
        await super()._send_buffers(*outbox)

    def _is_orphaned(self, command: Any) -> bool:
        if isinstance(command, caproto.ReadNotifyResponse | caproto.ReadResponse | caproto.WriteNotifyResponse):
            return command.ioid not in self.circuit._ioids
        if isinstance(command, caproto.EventAddResponse):
            added = self.circuit.event_add_commands.get(command.subscriptionid)
            return added is None or added.sid not in self.circuit.channels_sid
        return False

    async def disconnect(self, name: str) -> None:
        """Notify the client that the record `name` and its fields are gone; its subscriptions end first."""
        for channel in [known for known in self.circuit.channels.values() if is_of(known.name, name)]:
            removed = await self._cull_subscriptions(None, functools.partial(_belongs, channel=channel))
            self.log.debug("%s: %d subscriptions ended", channel.name, len(removed))
            await self.send(caproto.ServerDisconnResponse(cid=channel.cid))

    async def get_from_sub_queue(self, timeout: float | None = None) -> Any:
        """Return the next monitor update; with a `timeout`, in s, return None at once if there is none."""
        # caproto waits up to 10 ms for more updates to send together. That delay reaches every monitor of a client that
        # waits for one, so only what is in the queue already is sent together.
        if timeout is None:
            return await self.subscription_queue.get()
        try:
            return self.subscription_queue.get_nowait()
        except asyncio.QueueEmpty:
            return None


class GuardedEntry:
    """A record or field as one client may write to it; replaces the entry of caproto during a write request."""

    def __init__(self, entry: Any, gate: WriteGate, name: str) -> None:
        self._entry = entry
        self._gate = gate
        self._name = name

    @property
    def length(self) -> int:
        """Number of elements of the entry, 1 for a scalar."""
        return int(self._entry.length)

    async def auth_write(self, hostname: str, username: str, data: Any, *args: Any, **options: Any) -> Any:
        """Write unless the gate refuses; the gate is informed of every refusal, its own or that of the record."""
        client = Client(user=username or "unknown", address=options["user_address"])
        WRITER.set(client)
        try:
            self._gate.check(self._name, data, client)
            return await self._entry.auth_write(hostname, username, data, *args, **options)
        except (SimulationInputError, caproto.CaprotoValueError) as error:
            await self._gate.refused(self._name, client, error)
            raise


def is_of(name: str, record: str) -> bool:
    """Return whether the channel `name` belongs to `record` or to one of its fields; both with the macro."""
    return name == record or name.startswith(f"{record}.")


def _belongs(subscription: Any, channel: Any) -> bool:
    return subscription.channel is channel
