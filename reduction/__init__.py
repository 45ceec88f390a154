"""What the counts mean: pure functions and frozen dataclasses that turn gates, volts and flux into transients."""
