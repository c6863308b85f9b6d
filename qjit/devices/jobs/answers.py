"""What a backend gives back, checked against what it was asked for."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from qjit.devices.backends.protocol import BackendError, PartialResults, Payload

from .chunks import Chunk
from .credentials import redacted

Answer = tuple[list[np.ndarray | None], dict[int, str]]


def text_of(error: Exception) -> str:
    """Return what went wrong: a runtime's own words, or what its backend raised."""
    text = redacted(str(error)).strip().rstrip(".")
    if isinstance(error, BackendError) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def checked_token(token: Any) -> Any:
    """Return what a runtime calls a chunk, which has to be a value for JSON.

    Raises:
        TypeError: if it is none.
    """
    if token is None:
        raise TypeError("it returned no token")
    try:
        return json.loads(json.dumps(token))
    except (TypeError, ValueError) as error:
        said = redacted(repr(token))
        raise TypeError(f"its token {said} is no value for JSON") from error


def checked_rows(
    chunk: Chunk, payloads: Sequence[Payload], rows: Sequence[Any]
) -> Answer:
    """Return the bits of each circuit of a chunk, and what is wrong with others."""
    if len(rows) != len(chunk.circuits):
        asked = f"{len(chunk.circuits)} circuits"
        reason = f"the backend returned {len(rows)} results for {asked}"
        return [None] * len(chunk.circuits), dict.fromkeys(
            range(len(chunk.circuits)), reason
        )
    found: list[np.ndarray | None] = []
    reasons: dict[int, str] = {}
    for k, (number, bits) in enumerate(zip(chunk.circuits, rows, strict=True)):
        wrong = _wrong(bits, (chunk.shots, payloads[number].num_bits))
        found.append(None if wrong else np.array(bits, np.uint8))
        if wrong:
            reasons[k] = wrong
    return found, reasons


def partial_rows(
    chunk: Chunk, payloads: Sequence[Payload], error: PartialResults
) -> Answer:
    """Return the bits of the circuits of a chunk that did not fail."""
    if len(error.results) != len(chunk.circuits):
        return checked_rows(chunk, payloads, error.results)
    rows, wrong = checked_rows(chunk, payloads, error.results)
    said: Mapping[int, str] = {k: redacted(why) for k, why in error.reasons.items()}
    lost = {k for k, bits in enumerate(error.results) if bits is None}
    return rows, {k: said.get(k, why) if k in lost else why for k, why in wrong.items()}


def _wrong(bits: Any, shape: tuple[int, int]) -> str:
    if bits is None:
        return "the runtime gives no reason"
    try:
        array = np.asarray(bits)
        if array.shape != shape:
            return f"the backend returned bits of shape {array.shape}, not {shape}"
        if not np.all((array == 0) | (array == 1)):
            return "the backend returned something else than bits"
    except (TypeError, ValueError) as error:
        return f"the backend returned something else than bits: {error}"
    return ""
