"""Positioners, which are moved by setting a value in eV, ps, mJ/cm2, um or C, alone or several together."""
