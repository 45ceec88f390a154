"""The programs that serve a data folder together: relay, queue server with its Redis, Tiled, simulated beamline."""
