"""The magnified image: width of the spot, where its centre is, and how diffusion widens it."""

from __future__ import annotations

import numpy as np

from sim.physics.tplm.emission import Decay
from sim.physics.tplm.sample import Image
from sim.physics.tplm.setting import Setting
from sim.types import FloatArray

FWHM = 2 * np.sqrt(2 * np.log(2))
"""Full width at half maximum of a Gaussian in standard deviations."""

NM2_PER_NS = 1e5
"""1 cm2/s in nm2/ns."""

NODES = 10
"""Trapping times by which the distribution of the trapped excitons is represented."""


def start_variance_nm2(image: Image, setting: Setting) -> float:
    """Return the variance along one axis at time zero, nm2: spot, collection with the pixel, defocus and vibration."""
    optical = (image.spot_fwhm_nm**2 + image.collection_fwhm_nm**2) / FWHM**2
    return float(optical * (1 + (setting.defocus_um / image.depth_um) ** 2) + setting.vibration_nm**2)


def offset_squared_nm2(image: Image, x_um: float, y_um: float, elapsed_s: float) -> float:
    """Return the squared distance, nm2, of a place on the sample from the image's centre, which drifts along x."""
    # The drift swings, as with the temperature of a room: a microscope that is left alone for a day still has
    # its image in view.
    per_s = 2 * np.pi / (3600 * image.drift_period_h)
    centre_x_um = image.centre_x_um + image.drift_nm_min * 1e-3 / 60 * np.sin(per_s * elapsed_s) / per_s
    return float(1e6 * ((x_um - centre_x_um) ** 2 + (y_um - image.centre_y_um) ** 2))


def share_at(offset2_nm2: float, variance_nm2: FloatArray, start_nm2: float) -> FloatArray:
    """Return the light at a place relative to that at the centre at time zero, for two-dimensional Gaussians.

    The result has the shape of `variance_nm2`, the variance along one axis at each time, nm2.
    """
    return start_nm2 / variance_nm2 * np.exp(-offset2_nm2 / (2 * variance_nm2))


class TrappedMixture:
    """The excitons that emit at a given time: free until they are trapped, fixed in place afterwards.

    Up to the join of the decay all are free; from then on they are trapped at the rate at which the prompt light
    decays. So the mean square displacement is linear up to the join, and levels off beyond.
    """

    def __init__(self, decay: Decay) -> None:
        nodes, weights = np.polynomial.laguerre.laggauss(NODES)
        self.trapped_ns: FloatArray = decay.join_ns + decay.prompt_ns * nodes
        self.weights: FloatArray = weights

    def free_ns(self, time_ns: FloatArray) -> FloatArray:
        """Return for how long excitons that emit at `time_ns` were free, ns: shape (times, nodes)."""
        return np.minimum(time_ns[:, np.newaxis], self.trapped_ns)
