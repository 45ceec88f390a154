"""Secrets of the alerts: from the environment, or from a file that its owner alone can read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from errors import ConfigurationError

if TYPE_CHECKING:
    from trxas.alert_settings import AlertSettings


def secret(settings: AlertSettings, name: str) -> str:
    """Return the secret `name`: the environment variable, or else the line NAME=VALUE of the secrets file.

    Raises ConfigurationError if neither has it, and for a file that others can read. Messages never hold a value.
    """
    found = os.environ.get(name) or _of_file(settings, name)
    if not found:
        where = f" or the line {name}=... in {settings.secrets_file}" if settings.secrets_file else ""
        raise ConfigurationError(f"The secret {name} is not set. Set the environment variable{where}.")
    return found


def _of_file(settings: AlertSettings, name: str) -> str:
    if not settings.secrets_file:
        return ""
    path = Path(settings.secrets_file).expanduser()
    try:
        mode = path.stat().st_mode & 0o777
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"The secrets file {path} cannot be read: {type(error).__name__}.") from error
    # Refused and not only warned of: alerts run in the background, where a warning would stay unread.
    if mode & 0o077:
        raise ConfigurationError(
            f"The secrets file {path} can be read by others (mode {mode:o}). Run: chmod 600 {path}"
        )
    for line in lines:
        key, separator, value = line.partition("=")
        if separator and key.strip() == name:
            return value.strip()
    return ""
