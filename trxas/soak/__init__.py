"""A beamline at work for hours, and whether its processes grow."""
