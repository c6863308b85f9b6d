"""From a jaxpr or the text of a stage to a program that JAX can call."""
