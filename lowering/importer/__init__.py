"""Import of jaxprs into the IR, equation by equation."""
