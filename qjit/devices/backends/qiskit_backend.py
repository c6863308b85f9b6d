"""Runtimes that Qiskit reaches: each of its backends, and each of its samplers.

A program is made into a circuit of Qiskit, transpiled to what the runtime has, and run.
Where its register `c` is among the bits that come back is kept in the token, so that
another process can read the results of a runtime that keeps jobs.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np

from .protocol import BackendError, Limits, PartialResults, Payload, Properties, Status

REGISTER = "c"
STATUSES = {
    "INITIALIZING": Status.QUEUED,
    "QUEUED": Status.QUEUED,
    "VALIDATING": Status.QUEUED,
    "RUNNING": Status.RUNNING,
    "DONE": Status.DONE,
    "CANCELLED": Status.CANCELLED,
    "ERROR": Status.FAILED,
}
# How the names of exceptions end, whoever's they are, that say that nobody answered.
UNREACHED = ("Timeout", "TimeoutError", "TransportError", "ConnectionError")
# What IQM's client calls the answers 429, 500, 502 and 503, which it does not tell.
BUSY = (
    *("RateLimitError", "InternalSystemError"),
    *("BadGatewayError", "SystemUnavailableError"),
)


def backend(
    backend: Any, *, optimization_level: int = 0, shots: int | None = None
) -> "QiskitRuntime":
    """Return a backend or a sampler of Qiskit as one of ours.

    A seed reaches the runtimes that take one, which are simulators.

    Args:
        backend: a `BackendV2`, or a primitive such as `SamplerV2`.
        optimization_level: that of Qiskit's transpiler, 0 to 3.
        shots: the most that it takes at once, if it does not say so itself.
    """
    machine = Machine(backend) if hasattr(backend, "target") else Sampler(backend)
    return QiskitRuntime(
        machine,
        optimization_level=optimization_level,
        limits=Limits(shots, getattr(backend, "max_circuits", None)),
    )


class Runner(Protocol):
    """What runs transpiled circuits, and how its results are read."""

    target: Any
    """The `BackendV2` that circuits are transpiled to, None if they need not be."""

    def run(self, circuits: list[Any], shots: int, seed: int | None) -> Any:
        """Run circuits as one job, and return it."""
        ...

    def bits(
        self, result: Any, number: int, registers: Sequence[tuple[str, int]]
    ) -> np.ndarray:
        """Return the register `c` of a circuit, a row for each shot."""
        ...


class Machine:
    """A `BackendV2` of Qiskit.

    Args:
        machine: the backend.
        options: those of `memory` and `seed_simulator` that its `run` takes, by
            default those that it lists.
    """

    def __init__(self, machine: Any, options: Sequence[str] | None = None) -> None:
        known = ("memory", "seed_simulator")
        listed = [name for name in known if hasattr(machine.options, name)]
        self.target = machine
        self.options = tuple(listed if options is None else options)

    def run(self, circuits: list[Any], shots: int, seed: int | None) -> Any:
        """Run circuits as one job, and return it."""
        given = {"memory": True, "seed_simulator": seed}
        taken = {name: given[name] for name in self.options if given[name] is not None}
        return self.target.run(circuits, shots=shots, **taken)

    def bits(
        self, result: Any, number: int, registers: Sequence[tuple[str, int]]
    ) -> np.ndarray:
        """Return the register `c` of a circuit, a row for each shot."""
        if result.data(number).get("memory"):
            texts, shots = result.get_memory(number), 1
        else:
            counts = result.get_counts(number)
            texts, shots = list(counts), list(counts.values())
        return np.repeat(_register_bits(texts, registers), shots, axis=0)


class Sampler:
    """A primitive of Qiskit with the interface of `SamplerV2`.

    Args:
        sampler: the primitive.
    """

    def __init__(self, sampler: Any) -> None:
        found = getattr(sampler, "backend", None)
        self.sampler = sampler
        self.target = found() if callable(found) else found

    def run(self, circuits: list[Any], shots: int, seed: int | None) -> Any:
        """Run circuits as one job, and return it."""
        pairs = [(circuit,) for circuit in circuits]
        with self._seeded(seed):
            return self.sampler.run(pairs, shots=shots)

    def bits(
        self, result: Any, number: int, registers: Sequence[tuple[str, int]]
    ) -> np.ndarray:
        """Return the register `c` of a circuit, a row for each shot."""
        found = result[number].data[REGISTER].to_bool_array(order="little")
        return found.astype(np.uint8)

    @contextmanager
    def _seeded(self, seed: int | None) -> Generator[None]:
        options = getattr(self.sampler, "options", None)
        options = getattr(options, "simulator", options)
        if seed is None or not hasattr(options, "seed_simulator"):
            yield
            return
        before: Any = getattr(options, "seed_simulator")  # noqa: B009
        setattr(options, "seed_simulator", seed)  # noqa: B010
        try:
            yield
        finally:
            setattr(options, "seed_simulator", before)  # noqa: B010


@dataclass
class QiskitRuntime:
    """A runtime that Qiskit reaches.

    Args:
        runner: what runs circuits.
        optimization_level: that of Qiskit's transpiler.
        limits: how much it takes at once.
        find_job: returns a job by its id, where the runtime keeps jobs.
        closing: ends what was begun for this backend, such as a session.
    """

    runner: Runner
    optimization_level: int = 0
    limits: Limits = field(default_factory=Limits)
    find_job: Callable[[str], Any] | None = field(default=None, repr=False)
    closing: Callable[[], None] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self._jobs: dict[str, Any] = {}

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats that it takes: OpenQASM 3 if Qiskit's importer is installed."""
        both = ("openqasm3", "openqasm2")
        return both if find_spec("qiskit_qasm3_import") else both[1:]

    def submit(
        self, programs: Sequence[Payload], shots: int, seed: int | None
    ) -> dict[str, Any]:
        """Hand in a batch as one job, and return its id and where its bits are."""
        qiskit = import_module("qiskit")
        circuits = [circuit_of(program) for program in programs]
        with vendor_errors():
            if self.runner.target is not None:
                circuits = qiskit.transpile(
                    circuits,
                    self.runner.target,
                    optimization_level=self.optimization_level,
                    seed_transpiler=seed,
                )
            job = self.runner.run(circuits, shots, seed)
            name = job.job_id()
        self._jobs[name] = job
        registers = [[[r.name, r.size] for r in each.cregs] for each in circuits]
        return {"job": name, "shots": shots, "registers": registers}

    def status(self, token: Mapping[str, Any]) -> Status:
        """Return the state of a batch."""
        with vendor_errors():
            found = self._job(token).status()
            return STATUSES[getattr(found, "name", found)]

    def results(self, token: Mapping[str, Any]) -> list[np.ndarray]:
        """Return the bits of each circuit, once the job has ended."""
        with vendor_errors():
            job = self._job(token)
            result = job.result()
            if not getattr(result, "success", True):
                _check_experiments(result, job, len(token["registers"]))
            failed = _failed_experiments(result)
            found = [
                None if k in failed else self.runner.bits(result, k, registers)
                for k, registers in enumerate(token["registers"])
            ]
        shots = token["shots"]
        for k, each in enumerate(found):
            if each is not None and len(each) != shots:
                failed[k] = f"{len(each)} shots came back of {shots}"
                found[k] = None
        if failed:
            raise PartialResults(found, failed)
        return [each for each in found if each is not None]

    def cancel(self, token: Mapping[str, Any]) -> None:
        """Ask that a batch is not run."""
        with vendor_errors():
            try:
                self._job(token).cancel()
            except NotImplementedError:
                raise BackendError("this runtime does not cancel jobs") from None

    def properties(self) -> Properties:
        """Return what Qiskit knows of the machine, for gates that OpenQASM names.

        Where all pairs of qubits have two-qubit gates, or states are moved to a
        resonator and back, Qiskit's transpiler is left to find the gates.
        """
        return properties_of(getattr(self.runner.target, "target", None))

    def close(self) -> None:
        """End what was begun for this backend, such as a session."""
        if self.closing is not None:
            with vendor_errors():
                self.closing()

    def _job(self, token: Mapping[str, Any]) -> Any:
        name = token["job"]
        if name not in self._jobs:
            if self.find_job is None:
                raise BackendError(
                    f"job {name} ran in another process, and this runtime keeps none"
                )
            self._jobs[name] = self.find_job(name)
        return self._jobs[name]


# Of Qiskit's names those in the standard library of OpenQASM 3.
NAMES = {"rz": "RZ", "rx": "RX", "ry": "RY", "sx": "SX", "x": "X", "h": "H"}
PAIRS = {"cz": "CZ", "cx": "CNOT"}


def properties_of(target: Any) -> Properties:
    """Return what a `Target` of Qiskit says of its machine.

    Gates on two qubits that OpenQASM does not name, such as ECR, are CNOT: one of them
    is made of one.
    """
    if target is None or target.num_qubits is None:
        return Properties()
    pairs = {
        tuple(sorted(qubits)): (name, found)
        for name in target.operation_names
        for qubits, found in (target[name] or {}).items()
        if qubits is not None and len(qubits) == 2
    }
    count = target.num_qubits
    if not pairs or "move" in target.operation_names:
        return Properties(count)
    own = {NAMES[name] for name in target.operation_names if name in NAMES}
    if not {"RZ", "SX"} <= own:
        own |= {"RX", "RY", "RZ"}
    own |= {PAIRS.get(name, "CNOT") for name, _ in pairs.values()}
    errors = {
        edge: float(found.error)
        for edge, (_, found) in pairs.items()
        if found is not None and found.error is not None and found.error < 1
    }
    complete = len(pairs) == count * (count - 1) // 2
    edges = None if complete else tuple(sorted(pairs))
    durations = _durations(target)
    return Properties(count, frozenset(own), edges, errors if edges else {}, durations)


def _durations(target: Any) -> dict[str, float] | None:
    """Return the mean duration of each gate, in seconds, if all are known."""
    names = {**NAMES, **PAIRS, "measure": "measure", "reset": "reset"}
    found: dict[str, float] = {}
    for name in target.operation_names:
        each = [p.duration for p in (target[name] or {}).values() if p is not None]
        known = [duration for duration in each if duration is not None]
        if name in names and known:
            found[names[name]] = float(np.mean(known))
    return found or None


def circuit_of(payload: Payload) -> Any:
    """Return a program as a circuit of Qiskit, whose register `c` is its result."""
    text = payload.program
    if isinstance(text, bytes) or payload.format not in ("openqasm3", "openqasm2"):
        raise BackendError(
            f"Qiskit takes OpenQASM 3 and 2 as text, and no {payload.format}"
        )
    with vendor_errors():
        if payload.format == "openqasm3":
            circuit = import_module("qiskit.qasm3").loads(text)
        else:
            qasm2 = import_module("qiskit.qasm2")
            legacy = qasm2.LEGACY_CUSTOM_INSTRUCTIONS
            circuit = qasm2.loads(text, custom_instructions=legacy)
        circuit = _with_registers(circuit)
    sizes = {register.name: register.size for register in circuit.cregs}
    if sizes.get(REGISTER) != payload.num_bits:
        raise BackendError(
            f"the program has no classical register {REGISTER!r} "
            f"of {payload.num_bits} bits"
        )
    if sum(sizes.values()) != circuit.num_clbits:
        raise BackendError("the program has a bit that is in two registers")
    return circuit


def _with_registers(circuit: Any) -> Any:
    """Return a circuit whose bits are all in registers, in the order of these."""
    loose = [bit for bit in circuit.clbits if not circuit.find_bit(bit).registers]
    if not loose:
        return circuit
    qiskit = import_module("qiskit")
    last = qiskit.ClassicalRegister(bits=loose, name="single_bits")
    parts = (circuit.qubits, *circuit.qregs, *circuit.cregs, last)
    ordered = qiskit.QuantumCircuit(*parts)
    return ordered.compose(circuit, circuit.qubits, circuit.clbits)


@contextmanager
def vendor_errors() -> Generator[None]:
    """Raise what a vendor's client raises as a `BackendError` with its text."""
    try:
        yield
    except BackendError:
        raise
    except BaseException as error:
        # A panic of Qiskit's part in Rust is no `Exception`, and ends nothing else.
        panicked = type(error).__name__ == "PanicException"
        if isinstance(error, Exception) or panicked:
            raise failure(error) from error
        raise


def failure(error: BaseException) -> BackendError:
    """Return what a vendor's client raised as an error of ours."""
    retry, after = False, None
    for each in _causes(error):
        response = getattr(each, "response", None)
        code = getattr(response, "status_code", getattr(each, "status_code", None))
        if isinstance(code, int):
            retry = retry or code == 429 or code >= 500
            headers: Mapping[str, str] = getattr(response, "headers", None) or {}
            after = after if after is not None else seconds(headers.get("Retry-After"))
        names = (cls.__name__ for cls in type(each).__mro__)
        retry = retry or any(name.endswith(UNREACHED + BUSY) for name in names)
    texts = (_text(each) for each in _causes(error))
    said = (text for text in texts if text not in ("", "None"))
    text = next(said, type(error).__name__)
    return BackendError(text, retry=retry, after=after)


def _text(error: BaseException) -> str:
    """Return what an error says, without the quotes that Qiskit's errors have."""
    text = str(error)
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    return text[1:-1] if quoted else text


def seconds(text: str | None) -> float | None:
    """Return the seconds of a header `Retry-After`, None if it gives a date."""
    try:
        return None if text is None else max(0.0, float(text))
    except ValueError:
        return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _check_experiments(result: Any, job: Any, count: int) -> None:
    """Raise the job's error where no circuit of it has results."""
    experiments: list[Any] = getattr(result, "results", [])
    if len(experiments) != count or not any(each.success for each in experiments):
        reasons = [getattr(each, "status", "") for each in experiments]
        own = getattr(job, "error_message", lambda: None)()
        reasons = [own, getattr(result, "status", None), *reasons, job.status()]
        raise BackendError(next(str(reason) for reason in reasons if reason))


def _failed_experiments(result: Any) -> dict[int, str]:
    experiments: list[Any] = getattr(result, "results", [])
    return {
        k: str(getattr(each, "status", "no results"))
        for k, each in enumerate(experiments)
        if not each.success
    }


def _register_bits(
    texts: Sequence[str], registers: Sequence[tuple[str, int]]
) -> np.ndarray:
    """Return the register `c` of texts, which have their last register first."""
    sizes = [size for _, size in registers]
    place = [name for name, _ in registers].index(REGISTER)
    flat = [text.replace(" ", "") for text in texts]
    if any(len(text) != sum(sizes) for text in flat):
        raise BackendError(f"bits came back as {flat[0]!r}, of registers {registers}")
    joined = np.frombuffer("".join(flat).encode(), np.uint8) - ord("0")
    rows = joined.reshape(len(flat), sum(sizes))[:, ::-1]
    start = sum(sizes[:place])
    return rows[:, start : start + sizes[place]]
