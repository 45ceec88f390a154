"""Kinetic models by their lifetimes, rise and offset; the criteria that choose between them."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Any

from errors import InputError


class KineticModel(StrEnum):
    """Kinetics of one, two or three lifetimes, without offset or with one that decays slowly or not at all.

    With a rise the signal is formed from a precursor with a lifetime of its own, instead of by the pump directly:
    S(t) = A [f1 exp(-t/tau1) + ... - exp(-t/tau_rise)].
    """

    ONE = "1"
    ONE_OFFSET = "1+offset"
    TWO = "2"
    TWO_OFFSET = "2+offset"
    THREE = "3"
    THREE_OFFSET = "3+offset"
    ONE_CONSTANT = "1+constant"
    TWO_CONSTANT = "2+constant"
    THREE_CONSTANT = "3+constant"
    RISE_ONE = "rise+1"
    RISE_ONE_OFFSET = "rise+1+offset"
    RISE_TWO = "rise+2"
    RISE_TWO_OFFSET = "rise+2+offset"

    @property
    def lifetimes(self) -> int:
        """Number of lifetimes, 1 to 3, without those of the rise and the offset."""
        return next(int(part) for part in self.value.split("+") if part.isdigit())

    @property
    def has_rise(self) -> bool:
        """Whether the signal rises with a lifetime of its own."""
        return self.value.startswith("rise")

    @property
    def has_offset(self) -> bool:
        """Whether a part of the signal decays much more slowly, or not at all."""
        return self.value.endswith(("offset", "constant"))

    @property
    def offset_decays(self) -> bool:
        """Whether there is an offset with a decay rate that is fitted."""
        return self.value.endswith("offset")

    @property
    def components(self) -> int:
        """Number of decays whose fractions add up to 1: the lifetimes and the offset, without the rise."""
        return self.lifetimes + self.has_offset

    @property
    def description(self) -> str:
        """The model in words."""
        plural = "s" if self.lifetimes > 1 else ""
        rise = "a rise and " if self.has_rise else ""
        offset = "without offset"
        if self.has_offset:
            offset = "and an offset" if self.offset_decays else "and a constant offset"
        return f"{rise}{self.lifetimes} lifetime{plural} {offset}"

    @property
    def log_lifetimes(self) -> tuple[str, ...]:
        """Names of the fitted logarithms: ln(tau1/ps), then those of the ratio of each lifetime to the previous one.

        With a rise its lifetime is the first one.
        """
        ratios = ("log_tau_ratio", "log_tau_ratio2", "log_tau_ratio3")
        return ("log_rise" if self.has_rise else "log_tau1", *ratios[: self.lifetimes - 1 + self.has_rise])

    @property
    def free_fractions(self) -> tuple[str, ...]:
        """Names of the fitted fractions at t = 0+: all but that of the slowest component, which is the rest."""
        return tuple(f"fraction{number + 1}" for number in range(self.components - 1))

    @property
    def shape_parameters(self) -> tuple[str, ...]:
        """Names of the fitted parameters that all traces share; the rate of the offset, 1/tau_off, is in 1/ns."""
        rate = ("offset_rate_per_ns",) if self.offset_decays else ()
        return (*self.log_lifetimes, *self.free_fractions, *rate)


DECAY_MODELS = tuple(one for one in KineticModel if not one.has_rise and one.offset_decays == one.has_offset)
"""Models of a signal that the pump makes at once, their offsets with a free rate: those that a criterion chooses from.

A rise is a decay with a negative spectrum in the fit of a map, so these are also all models that a map needs.
"""


class Criterion(StrEnum):
    """Information criteria: chi-square plus a penalty per parameter; the model with the smallest value is chosen.

    AICc (Hurvich and Tsai 1989, Biometrika 76, 297) prefers the model that predicts best, BIC (Schwarz 1978, Ann. Stat.
    6, 461) the true one: it adds an unnecessary parameter less often, and needs more data to detect a real one.
    """

    AICC = "AICc"
    BIC = "BIC"

    @property
    def description(self) -> str:
        """Purpose of the criterion, in words."""
        return f"the model that {self.value} prefers"


def aicc(chi_square: float, parameters: int, values: int) -> float:
    """Return Akaike's criterion, corrected for few data, of `parameters` fitted to `values` of known errors."""
    left = values - parameters - 1
    return chi_square + 2.0 * parameters + (2.0 * parameters * (parameters + 1) / left if left > 0 else math.inf)


def bic(chi_square: float, parameters: int, values: int) -> float:
    """Return Schwarz' criterion of `parameters` fitted to `values` of known errors."""
    return chi_square + parameters * math.log(values)


def kinetic_choice(text: Any) -> KineticModel | Criterion:
    """Return the model or the criterion that `text` names; raise InputError listing them if it names none."""
    for kind in (KineticModel, Criterion):
        for member in kind:
            if isinstance(text, str) and text.lower() == member.value.lower():
                return member
    models, criteria = (", ".join(repr(one.value) for one in kind) for kind in (KineticModel, Criterion))
    raise InputError(
        f"kinetics = {text!r}: give the number of lifetimes, {models}, or a criterion that chooses between them, "
        f"{criteria}."
    )
