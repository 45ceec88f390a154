"""Area detector, silicon drift detector, laser power meter, and all detectors that are read alongside the exposure."""
