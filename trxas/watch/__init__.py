"""What people away from the hutch see of a run: one view of it, shown on a page and in a terminal."""
