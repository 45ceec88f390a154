"""What the hardware is: ophyd devices, their PVs, units and limits, built from one configuration file."""
