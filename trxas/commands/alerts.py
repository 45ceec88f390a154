"""`trxas alerts test`: one alert by every configured channel."""

from __future__ import annotations

from dataclasses import dataclass

from errors import ConfigurationError, TrxasError
from trxas.configuration_options import StoreOptions


@dataclass(frozen=True, kw_only=True)
class AlertTestOptions(StoreOptions):
    """Options of `trxas alerts test`."""


def run_test(options: AlertTestOptions) -> int:
    """Send one alert by every channel of the table [alerts], and report which of them worked.

    The exit code is 1 if one of them failed.
    """
    from trxas.alerts.rules import Alert, AlertKind
    from trxas.alerts.sending import send

    configuration = options.configuration()
    settings = configuration.alerts
    if settings is None or not settings.send:
        raise ConfigurationError(
            f"{configuration.path} sends no alerts. Add a table [alerts] with send = [...] of mail, webhook, command."
        )
    alert = Alert(kind=AlertKind.TEST, text=f"This is a test of the alerts for {configuration.storage.root.resolve()}.")
    failed = 0
    for channel in settings.send:
        try:
            send(settings, alert, channel)
        # A broken channel must not hide whether the others work: the test tries all of them.
        except TrxasError as error:
            failed += 1
            print(f"{channel.value}: {error}")
        else:
            print(f"{channel.value}: sent")
    return int(failed > 0)
