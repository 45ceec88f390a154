"""Runs on different grids as one result, with the covariance of its points."""
