"""Colours that readers with any colour vision can distinguish, for the window and for printed figures.

The palette is that of Okabe and Ito, Color Universal Design (2008), https://jfly.uni-koeln.de/color/.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

BLACK = "#000000"
ORANGE = "#E69F00"
SKY_BLUE = "#56B4E9"
GREEN = "#009E73"
YELLOW = "#F0E442"
BLUE = "#0072B2"
VERMILION = "#D55E00"
PURPLE = "#CC79A7"
GREY = "#6E6E6E"

ROLES_ON_WHITE: Mapping[str, str] = MappingProxyType(
    {"off": BLUE, "on": VERMILION, "transient": GREEN, "fit": PURPLE, "neutral": GREY}
)
"""Colour of each kind of curve on a white background."""

ROLES_ON_BLACK: Mapping[str, str] = MappingProxyType(
    {"off": SKY_BLUE, "on": "#F0803C", "transient": "#2FCB9B", "fit": "#E79BC6", "neutral": "#A8A8A8"}
)
"""Colour of each kind of curve on a dark background: the same hues, lighter."""

SERIES_ON_WHITE = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY_BLUE, BLACK)
"""Colours of overlaid runs on a white background, in their order."""

SERIES_ON_BLACK = (SKY_BLUE, "#F0803C", "#2FCB9B", "#E79BC6", ORANGE, YELLOW, "#FFFFFF")
"""Colours of overlaid runs on a dark background, in their order."""
