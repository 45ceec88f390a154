"""The paper on persistent enhancement of exciton diffusivity, measured again on the simulated microscope."""
