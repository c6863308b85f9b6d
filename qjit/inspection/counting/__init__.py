"""Counts of gates, depths and measurements, with symbols where loops have them."""
