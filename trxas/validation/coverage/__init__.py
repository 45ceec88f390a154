"""Coverage of the error bars: random samples, measured and reduced like any other, compared with their truth."""
