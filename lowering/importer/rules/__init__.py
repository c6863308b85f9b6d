"""Import rules: what each JAX primitive becomes."""
