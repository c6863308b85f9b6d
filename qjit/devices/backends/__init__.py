"""Backends: runtimes of vendors, and simulators of others, a file each."""
