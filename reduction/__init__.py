"""What the counts mean: pile-up, normalisation, transients, fits; the names below are its public face.

They are imported when they are first used: fits and detector geometry take seconds to import.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "reduction.accumulator": ("RunAccumulator", "accumulate"),
    "reduction.columns": ("column",),
    "reduction.kinds": ("RunReduction", "combine_runs", "curve_of", "kind_of", "reduce_run"),
    "reduction.number_text": ("with_error",),
    "reduction.powder.diffraction": ("integrate",),
    "reduction.powder.series": ("reduce_powder_series",),
    "reduction.values": ("Value",),
    "reduction.xas.all_gates": ("all_gates_spectrum",),
    "reduction.xas.boxcar_energy": ("boxcar_spectrum",),
    "reduction.xas.boxcar_zero": ("boxcar_zero",),
    "reduction.xas.calibration": ("find_edge", "foil_absorption", "read_xdi"),
    "reduction.xas.comparison": ("comparison_parameter",),
    "reduction.xas.dead_time": ("fit_dead_time",),
    "reduction.xas.delay_axis": ("judge_delay_axis", "time_zero_of"),
    "reduction.xas.excited_state": ("excited_state_spectrum",),
    "reduction.xas.fluence": ("fluence_scan",),
    "reduction.xas.fluence_fit": ("fit_fluence",),
    "reduction.xas.foil_alignment": ("align_foil",),
    "reduction.xas.gate_checks": ("baseline_checks", "gate_null_test"),
    "reduction.xas.gate_rates": ("gate_rates",),
    "reduction.xas.grouping": ("null_test",),
    "reduction.xas.kinetics.fit": ("fit_kinetics",),
    "reduction.xas.later_pulses": ("later_pulse_spectrum",),
    "reduction.xas.series": ("series_spectrum",),
    "reduction.xas.spc_energy": ("spc_spectrum",),
    "reduction.xas.spc_time": ("spc_trace",),
    "reduction.xas.static_xas": ("accumulate_static", "static_spectrum"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

PUBLIC_NAMES = tuple(sorted(_HOME_OF))
"""Names that a scientist imports from `reduction`."""


def __getattr__(name: str) -> Any:
    """Import a public name from its module when it is first used; raises AttributeError for any other name."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(PUBLIC_NAMES)}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    """Return the public names, for tab completion."""
    return list(PUBLIC_NAMES)
