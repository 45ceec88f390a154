"""Fits of the kinetics to all gates of one or several delay scans."""
