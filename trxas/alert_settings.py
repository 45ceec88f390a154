"""The table `[alerts]` of a configuration file: what is reported, how, and how often. No secret stands in it."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

from pydantic import Field
from pydantic.dataclasses import dataclass

from devices.configuration.fields import DAY_S, SETTINGS, Fault, quantity, switch, text, whole_number

TABLE = "alerts"


class AlertChannel(StrEnum):
    """Channels by which an alert is sent."""

    MAIL = "mail"
    WEBHOOK = "webhook"
    COMMAND = "command"


class MailSecurity(StrEnum):
    """Protection of the connection to the mail server."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class AlertSettings:
    """Reported events, and the ways to report them.

    Nothing is sent without the table, or without a way in `send`. A scan is reported when it has waited for the
    beamline for `suspended_min`, when the jet has stopped, when the error of its result is below `aim_percent` of the
    result, when it has counted until its result is known (`early_end`), and when it has failed; the data folder when
    less than `disk_below_mb` are free. Two alerts of one kind are at least `pause_min` apart, and at most
    `most_per_hour` are sent in all. The webhook's address and the password of the mail server are secrets: they are
    read from the environment variables named here, or from `secrets_file`, a file of lines NAME=VALUE that its owner
    alone can read.
    """

    send: Annotated[
        tuple[AlertChannel, ...], Field(description="channels: mail, webhook, command; empty: nothing is sent")
    ] = ()
    suspended_min: Annotated[
        float, quantity("time that a scan waits before it is reported; 0: never", "min", low=0.0, high=DAY_S / 60)
    ] = 10.0
    jet_stopped: Annotated[bool, switch("report a scan that waits for the jet at once")] = True
    aim_percent: Annotated[
        float,
        quantity(
            "report a result once its error falls below this share of it, in per cent; 0: never",
            "%",
            low=0.0,
            high=100.0,
        ),
    ] = 0.0
    early_end: Annotated[
        bool, switch("report a scan that counted until its result was known, and has ended before its longest time")
    ] = True
    disk_below_mb: Annotated[
        float, quantity("report when less space than this is free; 0: never", "MB", low=0.0, high=1e9)
    ] = 2000.0
    run_failed: Annotated[bool, switch("report a run that has failed, or whose session has ended")] = True
    pause_min: Annotated[
        float, quantity("shortest time between two alerts of one kind", "min", low=0.0, high=DAY_S / 60)
    ] = 15.0
    most_per_hour: Annotated[int, whole_number("largest number of alerts in an hour", low=1, high=1000)] = 10
    mail_to: Annotated[str, text("addresses of mail, separated by commas")] = ""
    mail_from: Annotated[str, text("address of the sender; empty: the first of mail_to")] = ""
    mail_server: Annotated[str, text("host and port of the mail server")] = "localhost:25"
    mail_security: Annotated[
        MailSecurity, Field(description="protection of the connection to it: none, starttls or tls")
    ] = MailSecurity.NONE
    mail_user: Annotated[str, text("name for the mail server; empty: no login")] = ""
    mail_password_variable: Annotated[str, text("environment variable with the password for the mail server")] = (
        "TRXAS_ALERT_MAIL_PASSWORD"  # noqa: S105  # the name of the variable
    )
    webhook_variable: Annotated[str, text("environment variable with the address of the webhook")] = (
        "TRXAS_ALERT_WEBHOOK"
    )
    webhook_field: Annotated[
        str, text("field of the webhook's JSON that takes the text: text for Slack and Mattermost, content for Discord")
    ] = "text"
    command: Annotated[str, text("command line that gets the text on its standard input")] = ""
    secrets_file: Annotated[str, text("file with the secrets, mode 600; empty: the environment alone")] = ""

    def faults(self) -> Iterable[Fault]:
        """Yield a fault for every key that a way of `send` needs and that is missing or wrong."""
        if AlertChannel.MAIL in self.send:
            yield from self._mail_faults()
        if AlertChannel.COMMAND in self.send and not self.command.strip():
            yield _missing("command", "the command to run", AlertChannel.COMMAND)
        if AlertChannel.WEBHOOK in self.send and not self.webhook_field.strip():
            yield _missing("webhook_field", "the field that takes the text", AlertChannel.WEBHOOK)
        if AlertChannel.WEBHOOK in self.send and "/" in self.webhook_variable:
            yield Fault(
                table=TABLE,
                key="webhook_variable",
                message="is an address: give the NAME of an environment variable, and put the address into it.",
            )

    def _mail_faults(self) -> Iterable[Fault]:
        wrong = [address for address in self.recipients if "@" not in address]
        if not self.recipients:
            yield _missing("mail_to", "the addresses that get the mail", AlertChannel.MAIL)
        elif wrong:
            message = f"= {', '.join(wrong)}: not an address. Give addresses such as name@example.org, with commas."
            yield Fault(table=TABLE, key="mail_to", message=message)
        host, _, port = self.mail_server.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            message = f"= {self.mail_server!r}: give host and port, such as smtp.example.org:587."
            yield Fault(table=TABLE, key="mail_server", message=message)

    @property
    def recipients(self) -> tuple[str, ...]:
        """Addresses that get the mail, none for an empty `mail_to`."""
        return tuple(address.strip() for address in self.mail_to.split(",") if address.strip())


def _missing(key: str, what: str, channel: AlertChannel) -> Fault:
    return Fault(table=TABLE, key=key, message=f"is missing. Give {what}, or remove {channel.value!r} from send.")
