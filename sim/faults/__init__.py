"""Everything that can go wrong on the simulated beamline: kinds of faults, their schedule, and their PVs."""
