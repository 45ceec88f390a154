"""If these fail, a model is published that the data do not ask for, or one that they rule out."""

from __future__ import annotations

import pytest

from errors import ReductionError
from reduction.xas.kinetics.comparison import compare_models, f_test, simpler_models
from reduction.xas.kinetics.fit import fit_kinetics
from reduction.xas.kinetics.kinetic_model import Criterion, KineticModel
from tests.support.kinetic_traces import TIMING, TWO_OFFSET, traced

RISE_PS = 60.0


@pytest.mark.parametrize(
    ("parts", "model"),
    [
        (((1.0, 900.0),), KineticModel.RISE_ONE),
        (((0.7, 900.0), (0.3, 400e3)), KineticModel.RISE_ONE_OFFSET),
        (((0.5, 300.0), (0.3, 2000.0), (0.2, 1e12)), KineticModel.RISE_TWO_OFFSET),
    ],
)
def test_a_rise_without_noise_returns_the_truth(parts: tuple[tuple[float, float], ...], model: KineticModel) -> None:
    """A rise is a decay that is subtracted: together all fractions of the drawn signal are 0 at time zero."""
    fit = fit_kinetics(traced((*parts, (-1.0, RISE_PS)), seed=None), TIMING, model=model)
    assert fit.rise_ps is not None
    assert fit.rise_ps.value == pytest.approx(RISE_PS, rel=0.01)
    for (fraction, lifetime_ps), found, share in zip(parts, fit.lifetimes_ps, fit.fractions, strict=False):
        assert found.value == pytest.approx(lifetime_ps, rel=0.02)
        assert share.value == pytest.approx(fraction, abs=0.01)
    assert next(iter(fit.quantities)) == "rise_ps"
    # Between the pump and the rise there is less signal than later on.
    assert fit.curve([20.0])[0] < fit.curve([200.0])[0]


def test_a_constant_offset_is_the_decaying_one_with_its_rate_at_zero() -> None:
    rates = traced(((0.7, 150.0), (0.3, 1e12)), seed=3)
    constant = fit_kinetics(rates, TIMING, model=KineticModel.ONE_CONSTANT)
    decaying = fit_kinetics(rates, TIMING, model=KineticModel.ONE_OFFSET)
    assert constant.offset_rate_per_ns == (0.0, 0.0)
    assert decaying.number_varied == constant.number_varied + 1
    assert 0 <= constant.chi_square - decaying.chi_square < 9
    assert f_test(constant, decaying).p_value > 1e-3


def test_a_model_contains_those_with_one_part_less() -> None:
    assert simpler_models(KineticModel.ONE) == ()
    assert set(simpler_models(KineticModel.TWO_OFFSET)) == {
        KineticModel.ONE_OFFSET, KineticModel.TWO, KineticModel.TWO_CONSTANT
    }  # fmt: skip
    assert set(simpler_models(KineticModel.RISE_TWO_OFFSET)) == {
        KineticModel.TWO_OFFSET, KineticModel.RISE_TWO, KineticModel.RISE_ONE_OFFSET
    }  # fmt: skip


def test_all_methods_choose_the_model_that_made_the_trace() -> None:
    """One table: a row per model, criteria and F test, and what each chooses; seed 1."""
    models = [one for one in KineticModel if one.components < 4 and one is not KineticModel.THREE]
    found = compare_models(traced(TWO_OFFSET, seed=1, amplitude=0.06), TIMING, models)
    choices = {found.chosen_by(Criterion.AICC), found.chosen_by(Criterion.BIC), found.chosen_by_f_test}
    # Within 6 ns an offset of 400 ns does not decay.
    assert choices == {KineticModel.TWO_CONSTANT}
    text = repr(found)
    assert {one.model for one in found.models} == set(models)
    assert "F test, 0.01 chooses   2+constant: 2 lifetimes and a constant offset" in text
    row = next(line for line in text.splitlines() if line.startswith("2+offset "))
    assert "2+constant" in row
    assert "no fit" in text


def test_a_map_needs_no_rise() -> None:
    from reduction.xas.map_fit import fit_map
    from tests.support.transient_maps import TIMING as MAP_TIMING
    from tests.support.transient_maps import drawn_map

    with pytest.raises(ReductionError, match="a map needs no rise"):
        fit_map(drawn_map(1), MAP_TIMING, model=KineticModel.RISE_ONE)
