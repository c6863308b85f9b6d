"""Passes on what circuits measure at their end, and on how often they run for it."""
