"""Control of the experiment: the queue of plans, the forms that fill it, and the buttons that pause, resume and stop."""
