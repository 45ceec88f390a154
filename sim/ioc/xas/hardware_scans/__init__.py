"""Scans that the hardware plays from a table by itself: sequences of laser delays, and sweeps of the energy."""
