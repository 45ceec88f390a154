"""Detectors with a module of their own: area detector, silicon drift detector, laser power meter."""
