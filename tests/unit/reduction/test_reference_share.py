"""If these fail, transients at late delays are stated up to a quarter too small."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from errors import ReductionError
from reduction.values import Value
from reduction.xas.kinetics.fit import fit_kinetics
from reduction.xas.kinetics.fitted import KineticsFit
from reduction.xas.pump_train import PumpTrain
from reduction.xas.reference_share import corrected_size, reference_share
from reduction.xas.transient import TransientMetadata
from tests.support.kinetic_traces import TIMING, TWO_OFFSET, traced

AMPLITUDE = 0.06
REFERENCE = TransientMetadata(
    sample="CsPbBr3", edge="Br K", mode="spc", reference="unpumped probe", probe=0, scans=1, offset="pre-edge"
)


@pytest.fixture(scope="module")
def fit() -> KineticsFit:
    """Kinetics of a trace without noise, whose offset decays in 400 ns."""
    return fit_kinetics(traced(TWO_OFFSET, seed=None), TIMING, intervals=False)


def signal(first_delay_ps: float, probe: int) -> float:
    """The true change of the sample at a gate, relative to the sample that was never pumped."""
    train = PumpTrain(period_ps=TIMING.pump_period_ps, overlap=TIMING.pump_overlap, sigma_ps=TIMING.irf_sigma_ps)
    delay = np.array([first_delay_ps + probe * TIMING.bunch_period_ps])
    return AMPLITUDE * sum(float(f * train.decay(delay, 1 / tau).value[0]) for f, tau in TWO_OFFSET)


@pytest.mark.parametrize(("first_delay_ps", "probe"), [(100.0, 0), (10_100.0, 0), (10_100.0, 1)])
def test_the_size_is_that_of_the_sample_whatever_the_reference_holds(
    fit: KineticsFit, first_delay_ps: float, probe: int
) -> None:
    """Without the correction, sizes at 100 ps, 10.1 and 163.5 ns are 7, 21 and 31 % low in this sample."""
    pumped, held = signal(first_delay_ps, probe), signal(first_delay_ps, TIMING.unpumped_probe)
    measured = Value((pumped - held) / (1.0 + held), 1e-4)
    metadata = replace(REFERENCE, probe=probe, delay_ps=first_delay_ps + probe * TIMING.bunch_period_ps)
    share = reference_share(fit, metadata)
    assert share.value == pytest.approx(held / pumped, rel=0.03)
    size = corrected_size(measured, share)
    assert abs(measured.value / pumped - 1.0) > 0.06
    assert size.value == pytest.approx(pumped, rel=0.03)
    assert size.sigma > measured.sigma


def test_a_blocked_laser_leaves_nothing_to_correct(fit: KineticsFit) -> None:
    """A correction of a reference that is unpumped already would make the size too large."""
    share = reference_share(fit, replace(REFERENCE, delay_ps=100.0, reference="laser shutter"))
    assert corrected_size(Value(0.02, 1e-4), share) == Value(0.02, 1e-4)


def test_a_fit_that_takes_the_reference_for_unpumped_cannot_correct_it(fit: KineticsFit) -> None:
    with pytest.raises(ReductionError, match="without constant_offset"):
        reference_share(replace(fit, constant_offset=True), replace(REFERENCE, delay_ps=100.0))
    with pytest.raises(ReductionError, match="belongs to a single delay"):
        reference_share(fit, REFERENCE)
