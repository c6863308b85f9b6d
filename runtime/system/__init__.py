"""Threads and random numbers of the native runtime."""
