"""Detectors of the X-ray beamline, which count while the gate of the master scaler is open."""
