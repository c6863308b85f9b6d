"""The stages of ahead-of-time compilation, and arguments of any size."""
