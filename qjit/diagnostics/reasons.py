"""Why converted code left a variable without a value."""

import re
import threading


class _Reasons(threading.local):
    def __init__(self) -> None:
        self.by_name: dict[str, str] = {}


_reasons = _Reasons()


def explain(name: str, reason: str) -> None:
    """Note why a variable has no value."""
    _reasons.by_name[name] = reason


def reason_of(error: NameError) -> str | None:
    """Return why the variable that an error names has no value."""
    found = re.search(r"variable '(\w+)'", str(error))
    return _reasons.by_name.get(found[1]) if found else None
