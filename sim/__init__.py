"""Simulation of the beamline: physics with counting statistics, served over EPICS Channel Access."""
