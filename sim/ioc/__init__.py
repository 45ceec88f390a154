"""EPICS Channel Access servers of the simulated beamline: standard records around the physics of `sim.physics`."""
