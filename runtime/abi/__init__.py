"""The interface between compiled programs and the runtime."""
