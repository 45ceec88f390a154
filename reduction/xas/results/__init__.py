"""Results of pump-probe absorption runs, kind by kind, as numbers and as lines of text."""

from reduction.xas.results.curves import pump_probe_table
from reduction.xas.results.delays import SelfTestResults, TimeZeroResults, TraceResults
from reduction.xas.results.fluence import AttenuatorResults, FluenceResults
from reduction.xas.results.foils import FoilResults
from reduction.xas.results.other_axes import DependenceResults, OverlapResults
from reduction.xas.results.spectra import SpectrumResults
from reduction.xas.results.static import StaticResults

__all__ = [
    "AttenuatorResults",
    "DependenceResults",
    "FluenceResults",
    "FoilResults",
    "OverlapResults",
    "SelfTestResults",
    "SpectrumResults",
    "StaticResults",
    "TimeZeroResults",
    "TraceResults",
    "pump_probe_table",
]
