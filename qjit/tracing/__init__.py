"""What a quantum function under trace knows, and the effects in its jaxpr."""
