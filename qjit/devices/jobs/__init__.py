"""Jobs: circuits on their way through backends, in one process or several."""
