"""Requests about X-ray absorption runs: spectra, kinetics, fluence dependence, checks and trends."""
