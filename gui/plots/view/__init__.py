"""The visible part of a plot: ranges that follow the data, zooming, and the history of views."""
