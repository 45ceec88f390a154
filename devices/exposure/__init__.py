"""One exposure from trigger to event: the gated detectors, what must hold while they count, and who reads them."""
