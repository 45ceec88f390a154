"""The model of a map chosen by an information criterion, with the values of all models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from errors import ReductionError
from reduction.xas.kinetics.kinetic_model import DECAY_MODELS, Criterion, KineticModel
from reduction.xas.map_fit import MapFit, fit_map

if TYPE_CHECKING:
    from reduction.timing import Timing
    from reduction.xas.transient_map import TransientMap


@dataclass(frozen=True, kw_only=True)
class MapChoice:
    """The best fit by a criterion, and a line of text for every model that was tried."""

    fit: MapFit
    lines: tuple[str, ...]


def choose_map_model(measured: TransientMap, timing: Timing, criterion: Criterion) -> MapChoice:
    """Fit every model to an energy x delay map and return the best one by `criterion`.

    A model whose lifetimes the map does not determine is left out. Raises the ReductionError of the simplest model if
    none can be fitted.
    """
    fits: dict[KineticModel, MapFit] = {}
    problems: dict[KineticModel, str] = {}
    first: ReductionError | None = None
    for model in DECAY_MODELS:
        try:
            fit = fit_map(measured, timing, model=model)
        except ReductionError as error:
            first = first or error
            # The first clause names the problem; the rest advises on a single fit, which the table of models has no
            # room for.
            problems[model] = str(error).split(":")[0].split(". ")[0]
            continue
        if fit.undetermined:
            problems[model] = f"does not determine {', '.join(fit.undetermined)}"
        else:
            fits[model] = fit
    if not fits:
        raise first or ReductionError("The map determines no model. Measure longer, or at more delays.")
    best = min(fits.values(), key=lambda fit: _value(fit, criterion))
    smallest = _value(best, criterion)
    lines = [f"{f'{criterion} chooses':<22} {best.model.description}"]
    for model in DECAY_MODELS:
        text = f"+ {_value(fits[model], criterion) - smallest:.1f}" if model in fits else f"left out: {problems[model]}"
        lines.append(f"  {model.value:<20} {text}")
    return MapChoice(fit=best, lines=tuple(lines))


def _value(fit: MapFit, criterion: Criterion) -> float:
    return fit.aicc if criterion is Criterion.AICC else fit.bic
