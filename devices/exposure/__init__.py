"""One exposure from trigger to event: gated detectors, conditions while they count, and readers of the result."""
