"""Settings of all tests: 64-bit JAX, unless a test turns it off itself."""

import gc
import os

import jax

os.environ["QJIT_VERIFY"] = "1"  # after every pass
jax.config.update("jax_enable_x64", True)
# What XLA compiles runs once: making it fast takes longer than it saves.
jax.config.update("jax_disable_most_optimizations", True)
# Thousands of programs live on in a process: looking through them all takes long.
gc.set_threshold(50_000, 20, 50)
