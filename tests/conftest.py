"""Settings of all tests: 64-bit JAX, unless a test turns it off itself."""

import jax

jax.config.update("jax_enable_x64", True)
