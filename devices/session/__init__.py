"""Permanent duties of a session: hold the beamline, guard the jet, and know the state of all PVs."""
