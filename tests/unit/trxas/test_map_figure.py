"""If these fail, a map ends at the prompt without a picture, or with one of something else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from reduction.kinds import summed
from tests.support.transient_maps import DELAY_PS, ENERGY_EV, map_run
from trxas.results.figures import figure_of


@pytest.mark.parametrize(("rows", "panels"), [(len(ENERGY_EV), 3), (1, 2)])
def test_a_map_is_drawn_with_its_spectra_as_far_as_there_is_a_fit(rows: int, panels: int) -> None:
    """A map, its colour bar, and with a fit the spectra."""
    reduction = summed(map_run(0, rows=rows))
    results: Any = reduction.refitted("1+offset") if rows > 1 else reduction.refitted("3+offset")
    if rows == 1:
        assert results.fit is None
    figure = figure_of(results, reduction)
    assert figure is not None
    assert len(figure.axes) == panels
    colours: Any = figure.axes[0].collections[0].get_array()
    assert np.shape(colours) == (len(DELAY_PS), len(ENERGY_EV))
