"""Focus on the sample, which moves by tens of nm per K: the height at which the image is narrowest."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any

import bluesky.plan_stubs as bps
from bluesky.utils import Msg

from devices.beamline import Beamline
from devices.tplm.timing_electronics import FOCUS, FOCUS_TOLERANCE_UM
from errors import AcquisitionError
from plans.engine.scanning import measure_runs
from plans.engine.spec import ScanSpec
from plans.tplm.centring import check_found
from plans.tplm.histograms import timing_of
from plans.tplm.map_points import Excitation, run_of, spot_run
from plans.tplm.parameters import LineAxis, SpotOptions

HEIGHT = "piezo_z_um"

COARSE_UM = 1.5
"""Distance of two heights of a search, um: twice the depth of focus, so that one of them shows a sharp image."""

NEAREST_UM = 0.75
"""Distance of the outer heights of the last rounds from the middle, um: about the depth of focus."""

HEIGHTS_NEAR = 5
PLACES = 9
WIDE_UM = 0.6
NARROW_UM = 0.2
"""Heights of a round near the focus, places of a line, and their distances: the image is four times wider at 3 um."""

MOST_ROUNDS = 6

SEARCH = Excitation(power_nw=20.0, rate_mhz=5.0)
"""Bright light for brief exposures; only the width of the image matters, not its decay."""


def focus_grid(options: SpotOptions, excitation: Excitation, middle_um: float, reach_um: float) -> ScanSpec:
    """Return the run of lines along x at heights up to `reach_um` above and below `middle_um`; all in um."""
    # An odd number of heights, so that the middle one is where the focus is expected: a search that has nothing to
    # correct measures it best.
    number = max(HEIGHTS_NEAR, 2 * round(reach_um / COARSE_UM) + 1)
    heights = [middle_um + reach_um * (2 * index / (number - 1) - 1) for index in range(number)]
    # Far from the focus the image is several um wide, and a narrow line would see nothing but a slope.
    step_um = WIDE_UM if reach_um > NEAREST_UM else NARROW_UM
    centre = options.centre
    places = [centre[LineAxis.X] + step_um * (index - (PLACES - 1) / 2) for index in range(PLACES)]
    points = [
        {HEIGHT: height, str(LineAxis.Y): centre[LineAxis.Y], str(LineAxis.X): place}
        for height in heights
        for place in places
    ]
    return replace(spot_run(options, excitation, points=points), **run_of("tplm_focus"))


def search_focus(
    beamline: Beamline, options: SpotOptions, excitation: Excitation, reach_um: float
) -> Generator[Msg, Any, list[str]]:
    """Search for the focus around the present height, move the sample there, and return the runs' uids.

    Raises AcquisitionError if no height shows an image, or if the focus still moves after six rounds.
    """
    # Each round reaches less far, down to the depth of focus, where the width is most sensitive to the height. The
    # search is over when two rounds of the least reach agree. A focus outside the reach is found by its direction: the
    # next round begins there, with the same reach.
    timing = timing_of(beamline)
    middle_um = float(beamline.axes[HEIGHT].position)
    uids: list[str] = []
    for _ in range(MOST_ROUNDS):
        (uid,) = yield from measure_runs(beamline, [focus_grid(options, excitation, middle_um, reach_um)])
        uids.append(uid)
        check_found(timing, FOCUS, uid)
        moved_um = float(timing.calibrations[FOCUS]["value_um"]) - middle_um
        middle_um += moved_um
        yield from bps.mv(beamline.axes[HEIGHT], middle_um)
        if reach_um <= NEAREST_UM and abs(moved_um) <= FOCUS_TOLERANCE_UM:
            return uids
        if abs(moved_um) < reach_um:
            reach_um = max(reach_um / 4, NEAREST_UM)
    raise AcquisitionError(
        f"The focus still moved by {abs(moved_um):.2g} um in round {MOST_ROUNDS}, needs at most "
        f"{FOCUS_TOLERANCE_UM:g} um. Wait until the temperature is steady, or give a longer dwell."
    )
