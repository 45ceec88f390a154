"""Equipment that sets the state of the X-ray beamline: source, monochromator, laser, timing, jet, cell and foils."""
