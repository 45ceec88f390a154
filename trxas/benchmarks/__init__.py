"""Speed, as ratios that can be compared between machines."""
