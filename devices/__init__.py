"""The hardware as ophyd devices, with PVs, units and limits, built from one configuration file."""
