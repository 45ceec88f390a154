"""Plots for experiments: error bars, units, a crosshair that reads errors, and ranges that do not twitch."""
