"""Child processes: start them, wait until they are ready, restart them and end them."""
