"""Control of the experiment: the queue of plans, the forms that fill it, and the buttons for the run."""
