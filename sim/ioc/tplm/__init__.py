"""The simulated cryo-microscope: pulsed laser, detector stage, photon timing and cryostat over Channel Access."""
