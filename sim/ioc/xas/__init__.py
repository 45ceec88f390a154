"""The X-ray beamline: all its devices, the faults that strike them, and the experiment `xas`."""
