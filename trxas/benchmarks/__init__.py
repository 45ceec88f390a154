"""Speed, as ratios that compare between machines."""
