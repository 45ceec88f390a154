"""Child processes: start them, wait until they are ready, restart them, end them, and end with the parent."""
