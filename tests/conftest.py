"""Settings of all tests: 64-bit JAX, unless a test turns it off itself."""

import gc

import jax

jax.config.update("jax_enable_x64", True)
# Thousands of programs live on in a process: looking through them all takes long.
gc.set_threshold(50_000, 20, 50)
