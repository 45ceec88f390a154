"""Was the microscope steady during a map? Light and background of every exposure against the fit of the whole map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reduction.probabilities import chi_square_tail
from reduction.run_kind import ChiSquare
from reduction.tplm.likelihood import data_of
from reduction.tplm.map_model import State, counted, model_of

if TYPE_CHECKING:
    from reduction.tplm.likelihood import MapFit
    from reduction.tplm.map_sums import Exposures
    from reduction.tplm.metadata import MapMetadata
    from reduction.types import FloatArray

LEAST_COUNTS = 10.0
"""Mean counts of an exposure from which they are close enough to a normal distribution."""

UNSTEADY_BELOW = 1e-3
"""p-value below which an exposure does not belong to its map."""

LIGHT_PARAMETERS = 5
"""Parameters that the light of the exposures determines: height, width, centre, drift, fading."""

BACKGROUND_PARAMETERS = 3
"""Parameters that the counts before the pulse determine: background, height and width of what earlier pulses left."""


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """Chi-square of the exposures about the fit, and the exposure that deviates most, with its counts over the fit."""

    test: ChiSquare
    worst: int
    ratio: float

    @property
    def is_unsteady(self) -> bool:
        """Whether at least one exposure does not belong to the map."""
        return self.test.p_value < UNSTEADY_BELOW


@dataclass(frozen=True, kw_only=True)
class Steadiness:
    """Light after the pulse, and counts before it; None with too few counts or exposures."""

    light: Deviation | None
    background: Deviation | None

    @property
    def tests(self) -> tuple[ChiSquare, ...]:
        """Null tests of light and background, as far as the map allows them."""
        return tuple(one.test for one in (self.light, self.background) if one is not None)

    def remarks(self) -> list[str]:
        """Return sentences on what changed during the map; none if it was steady."""
        found = []
        if self.light is not None and self.light.is_unsteady:
            found.append(
                f"The light of the exposures does not follow the image (p = {self.light.test.p_value:.1g}); exposure "
                f"{self.light.worst + 1} has {self.light.ratio:.3g} times that of the fit. Laser, filter, film or the "
                "place of the detector changed during the map: repeat it."
            )
        if self.background is not None and self.background.is_unsteady:
            found.append(
                f"The counts before the pulse change between exposures (p = {self.background.test.p_value:.1g}); "
                f"exposure {self.background.worst + 1} has {self.background.ratio:.3g} times those of the fit. Look "
                "for light in the room, and repeat the map."
            )
        return found


def steadiness(fit: MapFit, seen: Exposures, metadata: MapMetadata) -> Steadiness:
    """Return how well the exposures agree with the fit of their map, one by one."""
    # The fit compares groups of channels, in each of which a step of the light between two exposures is lost in the
    # noise; all channels together show a change of 3 % in one exposure at the centre of a map at 1 nW.
    data = data_of(fit, seen, metadata)
    mean = model_of(data, State(common=fit.common, light=fit.light)).mean
    counts = counted(data)
    return Steadiness(
        light=_deviation("light of the exposures", counts[:, :-1], mean[:, :-1], LIGHT_PARAMETERS),
        background=_deviation("background of the exposures", counts[:, -1:], mean[:, -1:], BACKGROUND_PARAMETERS),
    )


def _deviation(name: str, counts: FloatArray, mean: FloatArray, parameters: int) -> Deviation | None:
    expected = mean.sum(axis=1)
    total = counts.sum(axis=1)
    enough = expected > LEAST_COUNTS
    freedom = int(enough.sum()) - parameters
    if freedom < 1:
        return None
    pulls = np.where(enough, (total - expected) / np.sqrt(expected), 0.0)
    chi_square = float((pulls**2).sum())
    worst = int(np.abs(pulls).argmax())
    test = ChiSquare(
        name=name, chi_square=chi_square, degrees_of_freedom=freedom, p_value=chi_square_tail(chi_square, freedom)
    )
    return Deviation(test=test, worst=worst, ratio=float(total[worst] / expected[worst]))
