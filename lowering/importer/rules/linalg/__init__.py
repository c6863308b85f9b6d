"""Import rules of linear algebra and Fourier transforms."""
