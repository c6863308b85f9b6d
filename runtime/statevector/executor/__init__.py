"""The executor: gate schedules run forward, and backward for the adjoint method."""
