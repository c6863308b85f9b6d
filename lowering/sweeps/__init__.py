"""Code for small circuits, specialised to their gates: few sweeps over the state."""
