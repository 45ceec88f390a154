"""Files in the data folder in which servers and sessions announce where they listen."""
