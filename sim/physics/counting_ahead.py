"""Counts of an exposure computed while it lasts, for the case that nothing changes until its end.

An exposure is computed from the states that it went through, which are known at its end only. Nearly always there is
one state, that of its start. Its counts are then computed at the start, and nobody waits for them at the end. They are
the same counts: an exposure that went differently is computed as if nothing had been computed before.
"""

from __future__ import annotations

from collections.abc import Sequence

from sim.physics.beamline_state import Stretch
from sim.physics.experiment import Experiment, ExposureCounts


class CountedAhead:
    """The next exposure of `experiment`, computed as if it went through `stretches`; the experiment stays as it is."""

    def __init__(self, experiment: Experiment, stretches: Sequence[Stretch]) -> None:
        self._experiment = experiment
        self._stretches = tuple(stretches)
        self._effects = experiment.effects
        self._before = experiment.moment()
        self.counts: ExposureCounts = experiment.expose_changing(stretches)
        """Counts of the exposure, if it goes as expected."""
        self.laser_power = experiment.laser_power
        """Power of the laser during the exposure, relative to what is set."""
        self._after = experiment.moment()
        experiment.return_to(self._before)

    def happened(self, stretches: Sequence[Stretch]) -> bool:
        """Return whether the exposure went through just these `stretches`, and nothing else was counted meanwhile.

        The experiment has then counted it; otherwise nothing happens.
        """
        experiment = self._experiment
        same = experiment.exposures == self._before.exposures and experiment.effects == self._effects
        if not same or tuple(stretches) != self._stretches:
            return False
        experiment.return_to(self._after)
        return True
