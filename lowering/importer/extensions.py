"""Import rules of the layers above the compiler, by the modules that register them."""

from importlib import import_module

MODULES: list[str] = []


def load() -> None:
    """Import the modules, before a program is imported that may need their rules."""
    for module in MODULES:
        import_module(module)
