"""Passes on circuits that measure on the way: when they do, and on which wires."""
