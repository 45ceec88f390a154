"""What part of a plot is visible: ranges that follow the data, zooming, and the history of views."""
