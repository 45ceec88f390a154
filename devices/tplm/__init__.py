"""Devices of transient photoluminescence microscopy: photon timing, laser rate and cryostat."""
