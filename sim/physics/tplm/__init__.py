"""Transient photoluminescence microscopy: what a stepped single-photon diode records above a nanocrystal solid."""
