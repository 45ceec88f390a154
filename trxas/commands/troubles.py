"""The usual troubles of a machine before an experiment, each with its remedy; no PV is needed."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import socket
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from trxas.announcements.life_lock import holder_of, is_held
from trxas.announcements.server_file import LOCK, STATE
from trxas.announcements.session_file import LOCK_PATTERN, NAME, read_session
from trxas.commands.network_troubles import interface_troubles, interfaces_of_machine
from trxas.commands.trouble import Trouble

if TYPE_CHECKING:
    from trxas.configuration import Configuration

PRIVATE_FILES = ("keys.json", STATE, NAME)
"""Files of the data folder with keys in them."""


def troubles_of(configuration: Configuration) -> list[Trouble]:
    """Return the troubles of this machine, of its environment and of the data folder, without reading any PV.

    Raises OSError if the data folder cannot be listed.
    """
    root = configuration.storage.root
    address_list = configuration.beamline.epics.address_list
    return [
        *unknown_hosts(address_list),
        *interface_troubles(address_list, interfaces_of_machine()),
        *small_arrays(os.environ, _largest_array_bytes(configuration)),
        *wrong_versions(importlib.metadata.requires("trxas") or ()),
        *folder_troubles(root, configuration.storage.minimum_free_mb),
        *announced(root),
    ]


def unknown_hosts(address_list: str) -> Iterator[Trouble]:
    """Yield a fault for each host of the list that the name service does not know."""
    for address in address_list.split():
        host = address.partition(":")[0]
        try:
            socket.getaddrinfo(host, None, socket.AF_INET)
        except OSError as error:
            yield Trouble(
                subject="address list",
                text=f"The host {host} is unknown ({error.args[-1]}).",
                remedy="Correct the name, or give its IPv4 address.",
            )


def small_arrays(environment: Mapping[str, str], needed_bytes: int) -> Iterator[Trouble]:
    """Yield a fault if the environment limits arrays of Channel Access to less than `needed_bytes`."""
    # Since EPICS 3.16 arrays have no limit unless AUTO_ARRAY_BYTES is switched off; older settings live on in login
    # scripts. An image would then arrive cut or not at all, without an error.
    limit = environment.get("EPICS_CA_MAX_ARRAY_BYTES", "")
    is_automatic = environment.get("EPICS_CA_AUTO_ARRAY_BYTES", "YES").upper() != "NO"
    if is_automatic or not limit.isdecimal() or int(limit) >= needed_bytes:
        return
    yield Trouble(
        subject="EPICS_CA_MAX_ARRAY_BYTES",
        text=f"Arrays are limited to {limit} bytes; the largest one needs {needed_bytes} bytes.",
        remedy=f"Set it to at least {needed_bytes}, or unset EPICS_CA_AUTO_ARRAY_BYTES.",
    )


def wrong_versions(requirements: Iterable[str]) -> Iterator[Trouble]:
    """Yield a fault for each requirement of trxas that the installed packages do not meet."""
    from packaging.requirements import Requirement

    for requirement in map(Requirement, requirements):
        # Requirements of extras (tests, documentation) and of other platforms are not needed to run.
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            version = importlib.metadata.version(requirement.name)
        except importlib.metadata.PackageNotFoundError:
            version = "not installed"
        if version == "not installed" or not requirement.specifier.contains(version, prereleases=True):
            yield Trouble(
                subject="versions",
                text=f"{requirement.name} is {version}; trxas needs {requirement.specifier or 'it'}.",
                remedy="Install the locked versions again with `make`.",
            )


def folder_troubles(root: Path, minimum_free_mb: int) -> Iterator[Trouble]:
    """Yield faults of the data folder: it cannot be written, its disk is full, or its keys can be read by others.

    `minimum_free_mb`: free space that a scan needs to start, MB.
    """
    # The folder may not exist yet; its nearest existing parent is where it would be made, on the same disk.
    existing = next(folder for folder in (root, *root.absolute().parents) if folder.exists())
    if not existing.is_dir():
        yield Trouble(subject="data folder", text=f"{existing} is a file.", remedy="Choose a folder with --data.")
        return
    if problem := _write_problem(existing):
        yield Trouble(
            subject="data folder",
            text=f"{existing} cannot be written ({problem}).",
            remedy="Choose another folder with --data, or ask its owner for write access; stored runs can still "
            "be read.",
        )
        return
    free_mb = shutil.disk_usage(existing).free // 1_000_000
    if free_mb < minimum_free_mb:
        yield Trouble(
            subject="disk",
            text=f"{free_mb} MB are free in {existing}; a scan needs {minimum_free_mb} MB to start.",
            remedy="Free some space, or choose another folder with --data.",
        )
    for path in (root / name for name in PRIVATE_FILES):
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
            yield Trouble(
                subject="permissions",
                text=f"{path} has a key in it and can be read by others.",
                remedy=f"Run `chmod 600 {path}`.",
            )


def _write_problem(folder: Path) -> str:
    """Return why no file can be made in `folder`, "" if one can."""
    # Permission bits are not enough: a network disk may refuse root, and a disk may have been mounted read-only.
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        return str(error.strerror or error)
    return ""


def announced(root: Path) -> Iterator[Trouble]:
    """Yield notes on the processes that use the data folder, and on files that killed processes left behind."""
    if not root.is_dir():
        return
    session = read_session(root)
    if session is not None:
        yield Trouble(
            subject="session",
            text=f"{session.name} has a session in {root}.",
            remedy="A second one that moves the same beamline is refused.",
            is_fault=False,
        )
    server = holder_of(root / LOCK)
    if server:
        yield Trouble(
            subject="server", text=f"{root} is served, by {server}.", remedy="Windows find it.", is_fault=False
        )
    # The lock is the truth: a file with addresses and no holder of the lock was left by a killed server.
    elif (root / STATE).exists():
        yield _left_over(root / STATE, "server")
    for path in root.glob(LOCK_PATTERN):
        if not is_held(path):
            yield _left_over(path, "session")


def _left_over(path: Path, kind: str) -> Trouble:
    return Trouble(
        subject="left over",
        text=f"{path} was left by a {kind} that was killed.",
        remedy=f"The next {kind} removes it.",
        is_fault=False,
    )


def _largest_array_bytes(configuration: Configuration) -> int:
    """Return the largest size of an array that a client of the beamline reads: an image, or otherwise a small frame."""
    pilatus = configuration.beamline.pilatus
    return 16_384 if pilatus is None else 4 * pilatus.rows * pilatus.columns
