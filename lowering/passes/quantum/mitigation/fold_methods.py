"""How the gates that are folded are chosen: all as one, each, or some at random."""

METHODS = ("global", "local", "random")
