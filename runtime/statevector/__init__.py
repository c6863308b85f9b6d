"""The state-vector simulator: generated kernels, and the executor of schedules."""
