"""Jobs: batches of circuits on the way through a backend, in this process or a later one."""
