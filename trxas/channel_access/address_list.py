"""Lists of addresses of the control system, checked before a program waits for answers from them."""

from __future__ import annotations

import re

from errors import ConfigurationError

PORT_MAXIMUM = 65_535

FORM = 'Give hosts separated by spaces, each with or without a port, as in "ioc7ida 192.168.1.20:5064".'

HYPHENS = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2212"), "-")
"""Hyphens and dashes of text programs, with that of a keyboard."""

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?")
_IPV4_LIKE = re.compile(r"[0-9.]+")
_IPV6_LIKE = re.compile(r"[0-9A-Fa-f:\[\]]+")


def check_address_list(text: str) -> None:
    """Raise ConfigurationError with the reason, and a corrected list where there is one, if libca cannot use `text`.

    libca itself skips addresses that it does not understand without an error, and every PV then looks disconnected.
    """
    if not text.strip():
        raise ConfigurationError(f"The address list of the control system is empty, so no PV can be found. {FORM}")
    # libca reads the list once, at the first PV, and reports nothing that it cannot use. A wrong list costs the
    # connection time-out and ends in a list of all PVs as disconnected, which sends people to the hardware. So it is
    # checked here, with the usual mistakes of people: commas, spaces around colons, schemes of other protocols.
    strange = sorted({letter for letter in text if not letter.isascii()})
    # Spaces and hyphens of a web page or a mail look like those of a keyboard, and libca knows only the latter.
    reasons = [f"it holds {letter!a}, which no address has" for letter in strange]
    reasons += [reason for part in text.split() if part.isascii() and (reason := _fault(part))]
    if not reasons:
        return
    corrected = _corrected(text)
    meant = "" if not corrected.isascii() or any(map(_fault, corrected.split())) else f' Probably meant: "{corrected}".'
    raise ConfigurationError(f'The address list "{text}" is wrong: {"; ".join(reasons)}. {FORM}{meant}')


def _fault(part: str) -> str:
    """Return the fault of one address, "" if there is none."""
    if "://" in part:
        return f"{part}: an address has no scheme in front"
    if "," in part or ";" in part:
        return f"{part}: addresses are separated by spaces, not by commas or semicolons"
    host, colon, port = part.partition(":")
    if part.count(":") > 1 and _IPV6_LIKE.fullmatch(part):
        return f"{part}: Channel Access has no IPv6 addresses"
    if not host or (colon and not port):
        return f"{part}: no space is allowed between host, colon and port"
    # The resolver would take a bare number as an IPv4 address: 1 as 0.0.0.1.
    if host.isdecimal():
        return f"{part}: this is a number, not a host"
    if colon and not (port.isdecimal() and 1 <= int(port) <= PORT_MAXIMUM):
        return f"{part}: the port must be a whole number from 1 to {PORT_MAXIMUM}"
    return _host_fault(host)


def _host_fault(host: str) -> str:
    if _IPV4_LIKE.fullmatch(host):
        numbers = host.split(".")
        sound = len(numbers) == 4 and all(number.isdecimal() and int(number) <= 255 for number in numbers)
        return "" if sound else f"{host}: an IPv4 address has four numbers from 0 to 255"
    return "" if _HOST.fullmatch(host) else f"{host}: not the name of a host"


def _corrected(text: str) -> str:
    plain = re.sub(r"[A-Za-z]+://", "", text.translate(HYPHENS))
    plain = re.sub(r"\s*:\s*", ":", plain)
    return " ".join(part.rstrip("/") for part in re.split(r"[\s,;]+", plain) if part)
