"""Reduced runs as files for other people's tools: NeXus, XDI, HDF5, CSV."""
