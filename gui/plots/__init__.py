"""Plots for experiments: error bars, units, a crosshair that shows errors, and steady ranges."""
