"""Light on the detector at a moment, computed from the true state of the hardware."""

from __future__ import annotations

from dataclasses import dataclass

from sim.physics.tplm.setting import Setting


@dataclass(frozen=True, kw_only=True)
class Scene:
    """The setting of laser, filters and cryostat, and the detector's place in the sample plane, um.

    `light` is the share of the light that reaches the detector: 0 with the mirror in the path.
    """

    setting: Setting
    x_um: float
    y_um: float
    sync_hz: float
    light: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """Part of an exposure, of `seconds` s of beam, in which nothing changed."""

    scene: Scene
    seconds: float
