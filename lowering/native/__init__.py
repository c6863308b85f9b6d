"""Object code in this process: compiling, linking, calls into and out of it."""
