"""The channels of alerts: mail, webhook, command. Each takes a bounded time, and none puts a secret into a message."""

from __future__ import annotations

import http.client
import json
import os
import shlex
import smtplib
import socket
import ssl
import subprocess
import urllib.error
import urllib.request
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import TYPE_CHECKING

from errors import ConfigurationError, TrxasError
from trxas.alert_settings import AlertChannel, MailSecurity
from trxas.secrets import secret

if TYPE_CHECKING:
    from trxas.alert_settings import AlertSettings
    from trxas.alerts.rules import Alert

TIMEOUT_S = 20.0
"""Longest wait for a mail server, a webhook or a command."""


class NotSentError(TrxasError):
    """An alert could not be sent by one of its channels."""


def send(settings: AlertSettings, alert: Alert, channel: AlertChannel) -> None:
    """Send an alert by one channel, within some multiples of 20 s.

    Raises NotSentError or ConfigurationError with the reason; neither holds an address of a webhook or a password.
    """
    {AlertChannel.MAIL: _mail, AlertChannel.WEBHOOK: _webhook, AlertChannel.COMMAND: _command}[channel](settings, alert)


def title_of(alert: Alert) -> str:
    """Return the subject of an alert: its kind, and the machine that it comes from."""
    return f"trxas: {alert.kind.value} ({socket.gethostname()})"


def _mail(settings: AlertSettings, alert: Alert) -> None:
    message = EmailMessage()
    message["Subject"] = title_of(alert)
    message["From"] = settings.mail_from or settings.recipients[0]
    message["To"] = ", ".join(settings.recipients)
    # Servers take mail without these two for spam. The name is given, as looking it up can take a minute.
    message["Date"] = formatdate(localtime=True)
    message["Message-ID"] = make_msgid(domain=socket.gethostname())
    message.set_content(f"{alert.text}\n")
    host, _, port = settings.mail_server.rpartition(":")
    password = secret(settings.mail_password_variable, settings.secrets_file) if settings.mail_user else ""
    # Before a connection is made, so that the password never leaves this machine.
    if password and settings.mail_security is MailSecurity.NONE:
        raise ConfigurationError(
            "The password would go to the mail server unprotected. Set mail_security to starttls or tls in [alerts]."
        )
    try:
        with _connected(settings, host, int(port)) as server:
            if settings.mail_user:
                server.login(settings.mail_user, password)
            server.send_message(message)
    except smtplib.SMTPAuthenticationError as error:
        # Only the code: some servers repeat what they refuse, and that is the password.
        raise NotSentError(
            f"The mail server {settings.mail_server} refused the login of {settings.mail_user!r} with code "
            f"{error.smtp_code}. Correct mail_user, or the secret {settings.mail_password_variable}."
        ) from None
    except (OSError, smtplib.SMTPException) as error:
        raise NotSentError(f"The mail server {settings.mail_server} did not accept the mail: {error}") from error


def _connected(settings: AlertSettings, host: str, port: int) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if settings.mail_security is MailSecurity.TLS:
        return smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_S, context=context)
    server = smtplib.SMTP(host, port, timeout=TIMEOUT_S)
    if settings.mail_security is MailSecurity.STARTTLS:
        try:
            server.starttls(context=context)
        except (OSError, smtplib.SMTPException):
            # Only a connection that is returned is closed by its user.
            server.close()
            raise
    return server


def _webhook(settings: AlertSettings, alert: Alert) -> None:
    address = secret(settings.webhook_variable, settings.secrets_file)
    if not address.startswith(("http://", "https://")):
        raise ConfigurationError(
            f"{settings.webhook_variable} does not hold the address of a webhook, which must begin with https."
        )
    body = json.dumps({settings.webhook_field: f"{title_of(alert)}: {alert.text}"}).encode()
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})  # noqa: S310  # checked above
    # `urlopen` would keep the proxies that the environment named when the process first asked anything.
    opener = urllib.request.build_opener()
    try:
        with opener.open(request, timeout=TIMEOUT_S):
            pass
    except urllib.error.HTTPError as error:
        raise NotSentError(f"The webhook answers {error.code}: {error.reason}") from None
    except OSError as error:
        # The address may be in the error; only its reason goes into the message.
        raise NotSentError(f"The webhook cannot be reached: {getattr(error, 'reason', type(error).__name__)}") from None
    except (ValueError, http.client.HTTPException):
        raise ConfigurationError(f"{settings.webhook_variable} does not hold the address of a webhook.") from None


def _command(settings: AlertSettings, alert: Alert) -> None:
    try:
        command = shlex.split(settings.command)
        # The command does not need the secrets of the other channels.
        secret_names = (settings.mail_password_variable, settings.webhook_variable)
        inherited = {name: value for name, value in os.environ.items() if name not in secret_names}
        environment = {**inherited, "TRXAS_ALERT_KIND": alert.kind.value, "TRXAS_ALERT_TITLE": title_of(alert)}
        done = subprocess.run(  # noqa: S603  # the command of the configuration file
            command,
            input=f"{alert.text}\n",
            env=environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NotSentError(f"The command took more than {TIMEOUT_S:g} s and was ended: {settings.command}") from None
    except (OSError, ValueError) as error:
        raise NotSentError(f"The command cannot be run: {error}. It is {settings.command!r}.") from error
    if done.returncode:
        words = (done.stderr or done.stdout).strip().splitlines()
        last = f": {words[-1]}" if words else ""
        raise NotSentError(f"The command ended with exit code {done.returncode}{last}")
