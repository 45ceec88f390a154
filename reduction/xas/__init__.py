"""X-ray absorption: spectra, time traces, fluence scans, and their fits."""
