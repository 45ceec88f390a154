"""Stored runs for other programs: `export(-1)` writes NeXus, XDI, HDF5 or CSV."""

from trxas.prompt.export import export_function

export = export_function(store)
