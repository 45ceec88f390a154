"""Quantities on the axes of photoluminescence plots, each with its unit."""

from __future__ import annotations

from gui.plots.axis import Quantity

DELAY_NS = Quantity(name="delay", unit="ns", column="delay_ns", number_format="{:.3f}")
PLACE = Quantity(name="place on the sample", unit="µm", column="x_um", number_format="{:.3f}")
LIGHT = Quantity(name="photons", unit="1/(s ns)", column="light", number_format="{:.4g}")
DISPLACEMENT = Quantity(name="mean square displacement", unit="nm²", column="displacement_nm2", number_format="{:.0f}")
LOG_LIGHT = Quantity(name="log10 light", unit="rel.", column="log_light", number_format="{:.3f}")
DIFFUSIVITY = Quantity(name="diffusivity", unit="cm²/s", column="diffusivity_cm2_s", number_format="{:.4f}")
POWER = Quantity(name="log10 of the power", unit="nW", column="log_power_nw", number_format="{:.3f}")
RATE = Quantity(name="log10 of the rate", unit="MHz", column="log_rate_mhz", number_format="{:.3f}")
EXCITONS = Quantity(name="log10 of excitons per pulse", column="log_excitons", number_format="{:.3f}")
EXPOSURE = Quantity(name="exposure", column="exposure", number_format="{:.0f}")
COUNT_RATE = Quantity(name="photons", unit="1/s", column="rate_hz", number_format="{:.0f}")
PILE_UP = Quantity(name="pile-up", unit="%", column="pile_up_percent", number_format="{:.3f}")
CHANNEL = Quantity(name="fullest", unit="counts", column="highest_channel", number_format="{:.0f}")
WAVELENGTH = Quantity(name="wavelength", unit="nm", column="wavelength_nm", number_format="{:.2f}")
SHAPE = Quantity(name="light", unit="of the peak", column="light", number_format="{:.3f}")
YIELD = Quantity(name="light per power", unit="of the mean", column="relative_yield", number_format="{:.4f}")
