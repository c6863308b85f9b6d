"""Import rules of calls, branches, loops and run-time checks."""
