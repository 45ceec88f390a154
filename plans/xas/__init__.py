"""Plans of pump-probe X-ray absorption."""
