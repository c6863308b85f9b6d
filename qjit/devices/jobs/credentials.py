"""Credentials: they are refused among options, and struck out of what vendors say."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from qjit.errors import ArgumentError, CredentialError
from qjit.lowering.jax_internals.tracing import user_line

WORDS = {
    *(
        "token",
        "tokens",
        "secret",
        "secrets",
        "password",
        "passwd",
        "pwd",
        "passphrase",
    ),
    *("credential", "credentials", "key", "keys", "apikey", "auth", "authorization"),
    *("authentication", "bearer", "cookie", "cookies", "jwt", "pat"),
}
# The same written together, as in `authtoken`.
ENDINGS = "token", "secret", "password", "apikey", "accesskey", "credentials"
# Of values: a user in an address, a header, a signed token, and keys of Amazon's.
LOOKS = re.compile(
    r"://[^/\s:@]*:[^/\s@]+@|^(?:bearer|basic)\s+\S|^eyJ[\w-]+\.[\w-]+\.|\bAKIA[0-9A-Z]{16}\b"
    r"|[?&](?:api_?key|(?:access_?)?token|password|secret)=",
    re.IGNORECASE,
)
SAID = (
    (re.compile(r"(://)[^/\s@]+@"), r"\1***@"),
    (re.compile(r"\b(bearer|basic)\s+[\w.+/=~-]{8,}", re.I), r"\1 ***"),
    (re.compile(r"\beyJ[\w-]+\.[\w-]+(\.[\w-]*)?"), "***"),
    (re.compile(r"\bAKIA[0-9A-Z]{16}\b"), "***"),
    (
        re.compile(
            r"([\w-]*(?:token|secret|passw(?:or)?d|api[_-]?key|authorization)[\w-]*"
            r"[\"']?\s*[:=]\s*)([\"']?)[^\s\"',;&)}]+",
            re.I,
        ),
        r"\1\2***",
    ),
)


def checked_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a backend, which can be kept with a job.

    Raises:
        CredentialError: if one of them looks like a credential.
        ArgumentError: if one of them cannot be written as JSON.
    """
    for path, value in _leaves("", options):
        if _is_secret(path, value):
            raise CredentialError(
                f"{user_line()}: the option {path!r} looks like a credential. Options "
                "are kept with jobs: leave it out, and use the vendor's own mechanism, "
                "an environment variable or its configuration file."
            )
        if not isinstance(value, str | int | float | bool | None):
            raise ArgumentError(
                f"{user_line()}: the option {path!r} is of type "
                f"{type(value).__name__}, which cannot be kept with a job. Options are "
                "strings, numbers, booleans, None, and lists and dictionaries of them."
            )
    return json.loads(json.dumps(dict(options)))


def redacted(text: str) -> str:
    """Return what a vendor says, without what looks like a credential."""
    for pattern, replacement in SAID:
        text = pattern.sub(replacement, text)
    return text


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(f"{path}.{name}" if path else str(name), inner)
    elif isinstance(value, list | tuple):
        for k, inner in enumerate(value):
            yield from _leaves(f"{path}[{k}]", inner)
    else:
        yield path, value


def _is_secret(path: str, value: Any) -> bool:
    if value is None or isinstance(value, bool):
        return False
    parted = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", path).lower()
    words = re.split(r"[^a-z0-9]+", parted)
    named = any(word in WORDS or word.endswith(ENDINGS) for word in words)
    return named or (isinstance(value, str) and bool(LOOKS.search(value)))
