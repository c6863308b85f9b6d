"""Straight-line circuits of gates on numbered wires, as passes rewrite them."""
