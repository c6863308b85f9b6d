"""Mid-circuit measurement: the tree of a program's measurement outcomes."""
