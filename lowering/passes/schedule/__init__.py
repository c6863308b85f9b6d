"""Passes that form gate schedules and choose what runs them."""
