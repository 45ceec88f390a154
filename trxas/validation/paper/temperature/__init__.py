"""Static spectra of the powder from 25 to 140 C (paper, SI 8)."""
