"""Transient photoluminescence microscopy: diffusivities, decays, and what they depend on."""
