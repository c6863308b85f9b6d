"""The two places that reach below JAX's public interface."""
