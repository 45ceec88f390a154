"""What several tests need: fakes, recorded runs, processes, and waiting."""
