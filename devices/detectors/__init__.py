"""Detectors with their own module: area detector, silicon drift detector, laser power meter."""
