"""Secrets that a configuration names: from the environment, or from a file that its owner alone can read."""

from __future__ import annotations

import os
from pathlib import Path

from devices.configuration.toml_file import decoded
from errors import ConfigurationError


def secret(name: str, secrets_file: str) -> str:
    """Return the secret `name`: the environment variable, or else the line NAME=VALUE of the secrets file, if any.

    Raises ConfigurationError if neither has it, and for a file that others can read. Messages never hold a value.
    """
    found = os.environ.get(name) or _of_file(secrets_file, name)
    if not found:
        where = f" or the line {name}=... in {secrets_file}" if secrets_file else ""
        raise ConfigurationError(f"The secret {name} is not set. Set the environment variable{where}.")
    return found


def _of_file(secrets_file: str, name: str) -> str:
    if not secrets_file:
        return ""
    path = Path(secrets_file).expanduser()
    try:
        mode = path.stat().st_mode & 0o777
        lines = decoded(path.read_bytes(), path).splitlines()
    except (OSError, ConfigurationError) as error:
        # The reason of a wrong encoding quotes a byte, which may be one of a secret.
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
