"""How the compiler takes quantum functions in."""
