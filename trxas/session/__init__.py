"""A session: the beamline connected, the store open, and a RunEngine that records every document."""
