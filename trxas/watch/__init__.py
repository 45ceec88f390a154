"""View of a run for people away from the hutch, on a page and in a terminal."""
