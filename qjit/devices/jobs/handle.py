"""The text of a job: all that another process needs to go on with it."""

import base64
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from qjit.devices.backends.protocol import Payload

from .chunks import Chunk, Phase

FORMAT = 1

# What is asked again in another process, since the runtime knows it better.
ASKED_AGAIN = {Phase.FAILED, Phase.CANCELLED}


def written_payload(payload: Payload) -> dict[str, Any]:
    """Return a circuit as JSON."""
    if isinstance(payload.program, bytes):
        program = {"bitcode": base64.b64encode(payload.program).decode("ascii")}
    else:
        program = {"program": payload.program}
    sizes = {"num_qubits": payload.num_qubits, "num_bits": payload.num_bits}
    return {**program, "format": payload.format, **sizes}


def read_payload(record: Mapping[str, Any]) -> Payload:
    """Return the circuit that was written as JSON."""
    code = record.get("bitcode")
    program = record["program"] if code is None else base64.b64decode(code)
    return Payload(program, record["format"], record["num_qubits"], record["num_bits"])


def written_chunk(chunk: Chunk, results: bool = True) -> dict[str, Any]:
    """Return a chunk as JSON, with its bits or without."""
    phase, record = chunk.phase, dict[str, Any]()
    if chunk.token is not None and not (phase is Phase.DONE and results):
        phase = Phase.ACCEPTED
    for name in ("id", "circuits", "first_shot", "shots", "seed", "parent", "token"):
        record[name] = getattr(chunk, name)
    if chunk.results and results:
        record["results"] = {k: _packed(bits) for k, bits in chunk.results.items()}
    if phase in ASKED_AGAIN:
        record["reasons"] = dict(chunk.reasons)
    return {**record, "phase": phase.value}


def read_chunk(record: Mapping[str, Any]) -> Chunk:
    """Return the chunk that was written as JSON."""
    results = record.get("results", {})
    return Chunk(
        id=record["id"],
        circuits=tuple(record["circuits"]),
        first_shot=record["first_shot"],
        shots=record["shots"],
        seed=record["seed"],
        parent=record["parent"],
        token=record["token"],
        phase=Phase(record["phase"]),
        results={int(k): _unpacked(bits) for k, bits in results.items()},
        reasons={int(k): why for k, why in record.get("reasons", {}).items()},
    )


def line(record: Mapping[str, Any]) -> str:
    """Return a record as one line of text."""
    return json.dumps(record, separators=(",", ":"))


def _packed(bits: np.ndarray) -> dict[str, Any]:
    code = base64.b64encode(np.packbits(bits).tobytes()).decode("ascii")
    return {"shape": list(bits.shape), "bits": code}


def _unpacked(record: Mapping[str, Any]) -> np.ndarray:
    shape = tuple(record["shape"])
    packed = np.frombuffer(base64.b64decode(record["bits"]), np.uint8)
    return np.unpackbits(packed, count=int(np.prod(shape))).reshape(shape)
