"""Excitation of the probed spot: recovery after a pump, response to fluence, and the remainder of earlier pumps."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import erfc, erfcx

from sim.physics.sample import Kinetics, Pump
from sim.types import FloatArray

EARLIER_PUMPS = 24
"""Pumps followed back in time: after 24 x 767 ns the jet has carried the spot 74 um, out of the laser."""

SATURATION_SHARPNESS = 8.0
"""Sharpness of the knee in the fluence response (chosen: within 2 % of linear at 10 mJ/cm2, as in Fig. S2)."""


@dataclass(frozen=True, kw_only=True)
class Spot:
    """Geometry of the moving jet: speed in m/s (= um/us), laser spot FWHM in um (paper, SI 2).

    The jet flows downwards, along `laser_fwhm_um`. `horizontal_um` and `vertical_um` are the distance of the
    centre of the laser spot from the X-ray spot, whose own 5 um are neglected.
    """

    jet_speed_m_s: float = 4.0
    laser_fwhm_um: float = 45.0
    laser_fwhm_horizontal_um: float = 50.0
    horizontal_um: float = 0.0
    vertical_um: float = 0.0

    def overlap(self, age_ps: ArrayLike) -> FloatArray:
        """Return the laser intensity, relative to the centre, at the place of the probed spot `age_ps` ago.

        The shape is that of `age_ps`; a negative age is a pump still to come.
        """
        # The sample probed now was upstream by speed x age when an earlier pump fired, so the older a pump, the farther
        # from the centre of the laser it hit this sample. A Gaussian of full width w at half maximum is exp(-4 ln 2
        # (r/w)^2). The speed is in m/s and the age in ps, so speed x age x 1e-6 is in um.
        moved_um = self.jet_speed_m_s * np.asarray(age_ps, dtype=float) * 1e-6
        along = (moved_um - self.vertical_um) / self.laser_fwhm_um
        across = self.horizontal_um / self.laser_fwhm_horizontal_um
        return np.asarray(np.exp(-4 * np.log(2) * (along**2 + across**2)))


def broadened_decay(time_ps: ArrayLike, tau_ps: float, sigma_ps: float) -> FloatArray:
    """Return an exponential decay from time zero on, convolved with a Gaussian response; shape of `time_ps`.

    `sigma_ps` is the standard deviation of the response. The scaled error function keeps the result finite far before
    time zero.
    """
    # The convolution is 1/2 exp(s^2 / 2 tau^2 - t / tau) erfc(z) with z = (s / tau - t / s) / sqrt 2. Before time zero
    # the exponential overflows while erfc underflows. There the product is written with erfcx(z) = exp(z^2) erfc(z);
    # the exponents combine to -t^2 / 2 s^2, which is harmless. Each branch is evaluated with clipped arguments where it
    # is not used, so that no warning about overflow arises in the branch that np.where discards.
    time = np.asarray(time_ps, dtype=float)
    z = (sigma_ps / tau_ps - time / sigma_ps) / np.sqrt(2)
    before = 0.5 * np.exp(-0.5 * (time / sigma_ps) ** 2) * erfcx(np.maximum(z, 0))
    after = 0.5 * np.exp(np.minimum(0.5 * (sigma_ps / tau_ps) ** 2 - time / tau_ps, 0.5)) * erfc(np.minimum(z, 0))
    return np.asarray(np.where(z > 0, before, after))


def recovery(time_ps: ArrayLike, kinetics: Kinetics, sigma_ps: float) -> FloatArray:
    """Return the excitation `time_ps` after one pump, 1 just after a pump of reference strength; shape of `time_ps`."""
    offset = 1 - kinetics.fraction1 - kinetics.fraction2
    parts = (
        (kinetics.fraction1, kinetics.tau1_ps),
        (kinetics.fraction2, kinetics.tau2_ps),
        (offset, kinetics.offset_lifetime_ns * 1e3),
    )
    return np.asarray(sum(weight * broadened_decay(time_ps, tau, sigma_ps) for weight, tau in parts))


def response(fluence_mj_cm2: ArrayLike, pump: Pump) -> FloatArray:
    """Return the excitation by one pump, relative to an unsaturated pump of reference fluence; shape of the fluence.

    It is linear in the fluence, mJ/cm2, and flat above saturation.
    """
    # f / (1 + (f / s)^n)^(1/n) is f far below s and s far above it, smooth in between; n sets how sharp the knee is.
    fluence = np.asarray(fluence_mj_cm2, dtype=float)
    knee = (1 + (fluence / pump.saturation_fluence_mj_cm2) ** SATURATION_SHARPNESS) ** (1 / SATURATION_SHARPNESS)
    return np.asarray(fluence / knee / pump.reference_fluence_mj_cm2)


@dataclass(frozen=True, kw_only=True)
class PumpTrain:
    """An endless train of equal pumps: fluence at the centre of the laser `spot`, and time from one to the next."""

    fluence_mj_cm2: float
    period_ps: float
    spot: Spot


def train_excitation(
    time_ps: ArrayLike, train: PumpTrain, *, kinetics: Kinetics, pump: Pump, sigma_ps: float
) -> FloatArray:
    """Return the excitation `time_ps` after a pump of a train, including earlier pumps; shape of `time_ps`.

    `sigma_ps` is the width of the instrument response.
    """
    # Excitations of several pumps add linearly (chosen). Each earlier pump is weaker by its recovery and by the
    # distance that the jet has carried the spot away from the laser; after 24 pumps the spot is out of the beam.
    # Saturation acts on each pump by itself.
    time = np.asarray(time_ps, dtype=float)
    # A late probe has also seen the pumps that came after `time_ps` = 0 and before it.
    first = -math.ceil(float(time.max(initial=0.0)) / train.period_ps) - 1
    pumps = np.arange(first, EARLIER_PUMPS).reshape(-1, *(1,) * time.ndim)
    age = time + pumps * train.period_ps
    of_each = response(train.fluence_mj_cm2 * train.spot.overlap(age), pump) * recovery(age, kinetics, sigma_ps)
    return np.asarray(of_each.sum(axis=0))


def mean_excitation(train: PumpTrain, *, kinetics: Kinetics, pump: Pump) -> float:
    """Return the excitation averaged over the pump period, as an unlocked laser with its random phase gives.

    It is the integral of the recovery over all times, in ps, per pump period; the motion of the spot is neglected.
    """
    fluence_mj_cm2 = train.fluence_mj_cm2 * float(train.spot.overlap(0.0))
    offset = 1 - kinetics.fraction1 - kinetics.fraction2
    area = (
        kinetics.fraction1 * kinetics.tau1_ps
        + kinetics.fraction2 * kinetics.tau2_ps
        + offset * kinetics.offset_lifetime_ns * 1e3
    )
    return float(response(fluence_mj_cm2, pump)) * area / train.period_ps
