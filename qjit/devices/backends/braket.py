"""Amazon Braket: its simulators on this machine, and devices and simulators at AWS.

Programs are OpenQASM 3 as Braket spells it: without an `include`, with the gates
`cnot`, `ccnot`, `si`, `ti`, `v`, `vi`, `phaseshift`, `cphaseshift`, `xx`, `zz` and so
on, and with one register `c` of bits.
"""

import re
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import numpy as np

from qjit.dialects.targets.hardware import BRAKET_NAMES

from .local import LocalBackend
from .protocol import (
    BackendError,
    Limits,
    PartialResults,
    Payload,
    Properties,
    Status,
)

LOCAL = "local"
STATUSES = {
    "CREATED": Status.QUEUED,
    "QUEUED": Status.QUEUED,
    "RUNNING": Status.RUNNING,
    "CANCELLING": Status.RUNNING,
    "COMPLETED": Status.DONE,
    "FAILED": Status.FAILED,
    "CANCELLED": Status.CANCELLED,
}
BEST_FIRST = (Status.DONE, Status.FAILED, Status.CANCELLED)
ENDED = frozenset(BEST_FIRST)
_MEASURE = re.compile(r"\bc\[(\d+)\]\s*=\s*measure\s+(?:q\[(\d+)\]|\$(\d+))\s*;")
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_WHILE = re.compile(r"\bwhile\b")
_IF = re.compile(r"\bif\b")
_VARIABLE = re.compile(r"(?:^|[;{}])\s*(?:int|uint|float|bool|angle)\b")


class LocalBraket(LocalBackend):
    """A simulator of Braket on this machine, which runs programs when they come.

    Args:
        name: "braket_sv" (state vectors) or "braket_dm" (density matrices).
    """

    formats = ("openqasm3",)

    def __init__(self, name: str) -> None:
        super().__init__()
        simulator = import_module("braket.devices").LocalSimulator
        self._program = import_module("braket.ir.openqasm").Program
        try:
            self._device = simulator(name)
        except Exception as error:
            raise BackendError(f"Braket's simulator {name!r}: {error}") from error
        self._name = name

    def __repr__(self) -> str:
        return f"<Braket's simulator {self._name!r}>"

    def submit(self, programs: Sequence[Payload], shots: int, seed: int | None) -> str:
        """Run a batch, unless Braket would simulate some of it wrongly."""
        for program in programs:
            _refuse_what_is_simulated_wrongly(_source(program))
        return super().submit(programs, shots, seed)

    def run(self, program: Payload, shots: int, seed: int | None) -> np.ndarray:
        """Run one circuit; the simulator draws from its own source, without a seed."""
        try:
            task = self._device.run(self._program(source=_source(program)), shots=shots)
            result = task.result()
            if program.num_bits == 0:
                return np.zeros((shots, 0), np.uint8)
            # Columns are the bits that are measured, in their order.
            return _checked(result.measurements, (shots, program.num_bits))
        except Exception as error:
            text = f"Braket's simulator: {type(error).__name__}: {error}"
            raise BackendError(text) from error


class AwsBraket:
    """A quantum computer or a simulator at AWS.

    Args:
        arn: its name there.
        run_options: arguments of `AwsDevice.run`, such as `s3_destination_folder`.
    """

    formats = ("openqasm3",)

    def __init__(self, arn: str, run_options: dict[str, Any]) -> None:
        aws = import_module("braket.aws")
        self._program = import_module("braket.ir.openqasm").Program
        self._task_of = aws.AwsQuantumTask
        self._options = run_options
        with _translated(f"Device {arn!r}"):
            self._device = aws.AwsDevice(arn)
            shots = self._device.properties.service.shotsRange
        self.limits = Limits(shots=shots[1] if shots else None)
        self._arn = arn
        self._tasks: dict[str, Any] = {}
        # Tasks and the device share clients of boto3 and caches.
        self._lock = threading.RLock()

    def __repr__(self) -> str:
        return f"<Braket device {self._arn!r}>"

    def properties(self) -> Properties:
        """Return the gates that the device takes; Braket finds their places on it."""
        names = {spelled: name for name, spelled in BRAKET_NAMES.items()}
        with _translated(f"Device {self._arn!r}"):
            known = self._device.properties
            action = known.action["braket.ir.openqasm.program"]
            taken = {name.lower() for name in action.supportedOperations or ()}
            count = getattr(known.paradigm, "qubitCount", None)
        gates = frozenset(names[name] for name in taken if name in names)
        return Properties(count, gates or None)

    def submit(self, programs: Sequence[Payload], shots: int, seed: int | None) -> Any:
        """Create a quantum task for each circuit.

        If one is refused, those before it are cancelled. A seed has no meaning there.

        Returns:
            The ARNs of the tasks, and which qubit each bit is measured on.
        """
        sources = [_source(program) for program in programs]
        _check_shots(shots)
        qubits = [
            _measured_qubits(source, program.num_bits)
            for source, program in zip(sources, programs, strict=True)
        ]
        arns: list[str] = []
        with self._lock:
            try:
                for source in sources:
                    with _translated("Creating a quantum task"):
                        task = self._device.run(
                            self._program(source=source), shots=shots, **self._options
                        )
                    self._tasks[task.id] = task
                    arns.append(task.id)
            except BaseException:
                self._give_up(arns)
                raise
        return {"tasks": arns, "qubits": qubits, "shots": shots}

    def status(self, token: Any) -> Status:
        """Return the state of a batch: done when all tasks ended, and one is done."""
        found = {self._status(arn) for arn in token["tasks"]}
        if found <= ENDED:
            return next(state for state in BEST_FIRST if state in found)
        return Status.QUEUED if found == {Status.QUEUED} else Status.RUNNING

    def results(self, token: Any) -> list[np.ndarray]:
        """Return the bits of each circuit, after its end.

        Raises:
            BackendError: if AWS does not give them, or all tasks failed.
            PartialResults: if some tasks failed.
        """
        bits: list[np.ndarray | None] = []
        reasons: dict[int, str] = {}
        for number, arn in enumerate(token["tasks"]):
            bits.append(None)
            pause = 0.05
            while (state := self._status(arn)) not in ENDED:
                time.sleep(pause)
                pause = min(2 * pause, 5.0)
            if state is not Status.DONE:
                reasons[number] = self._reason(arn)
                continue
            try:
                bits[-1] = self._bits(arn, token["qubits"][number], token["shots"])
            except BackendError as error:
                if error.retry:
                    raise
                reasons[number] = str(error)
        with self._lock:
            for arn in token["tasks"]:
                self._tasks.pop(arn, None)
        return _all_or_reasons(bits, reasons)

    def cancel(self, token: Any) -> None:
        """Ask that the tasks of a batch are not run; those that ended stay so."""
        for arn in token["tasks"]:
            if self._status(arn) not in ENDED:
                with self._task(arn) as task:
                    task.cancel()

    @contextmanager
    def _task(self, arn: str) -> Generator[Any]:
        with self._lock, _translated(f"Quantum task {arn!r}"):
            if arn not in self._tasks:
                self._tasks[arn] = self._task_of(arn)
            yield self._tasks[arn]

    def _status(self, arn: str) -> Status:
        with self._task(arn) as task:
            state = task.state()
        if state not in STATUSES:
            raise BackendError(f"Quantum task {arn!r} has an unknown state {state!r}")
        return STATUSES[state]

    def _reason(self, arn: str) -> str:
        with self._task(arn) as task:
            metadata = task.metadata(use_cached_value=True)
        why = metadata.get("failureReason") or "no reason is given"
        return f"quantum task {arn!r} is {metadata['status']}: {why}"

    def _bits(self, arn: str, qubits: list[int], shots: int) -> np.ndarray:
        with self._task(arn) as task:
            result = task.result()
        if result is None:
            raise BackendError(f"Quantum task {arn!r} has no result", retry=True)
        if not qubits:
            return np.zeros((shots, 0), np.uint8)
        measured = [int(qubit) for qubit in result.measured_qubits]
        bits = _checked(result.measurements, (shots, len(measured)))
        if measured == qubits:
            return bits
        if len(set(measured)) != len(measured) or len(set(qubits)) != len(qubits):
            raise BackendError(
                f"Quantum task {arn!r} measures a qubit more than once, and AWS does "
                "not tell which of its columns are which bits"
            )
        if not set(qubits) <= set(measured):
            raise BackendError(
                f"Quantum task {arn!r} has results of the qubits {measured}, where "
                f"{qubits} were expected"
            )
        return bits[:, [measured.index(qubit) for qubit in qubits]]

    def _give_up(self, arns: Sequence[str]) -> None:
        """Cancel what was created of a batch that cannot be created as a whole."""
        for arn in arns:
            try:
                with self._task(arn) as task:
                    task.cancel()
            except BackendError:
                continue


def backend(*, device: str = LOCAL, **run_options: Any) -> LocalBraket | AwsBraket:
    """Return a device of Amazon Braket.

    Args:
        device: "local" (state vectors), "local:braket_dm" (density matrices), or the
            ARN of a device at AWS. Credentials and region are those of boto3:
            environment variables, or the files in `~/.aws`.
        run_options: at AWS, arguments of `AwsDevice.run`: `s3_destination_folder`, a
            bucket and a folder, `disable_qubit_rewiring`, `device_parameters`,
            `reservation_arn` or `experimental_capabilities`.

    Raises:
        ImportError: without `amazon-braket-sdk`.
        BackendError: if the device does not exist, or AWS refuses.
    """
    allowed = {
        *("s3_destination_folder", "disable_qubit_rewiring", "device_parameters"),
        *("reservation_arn", "experimental_capabilities"),
    }
    if unknown := [name for name in run_options if name not in allowed]:
        raise TypeError(f"unexpected option {unknown[0]!r}")
    kind, _, name = device.partition(":")
    if kind == LOCAL:
        if run_options:
            raise TypeError(f"option {next(iter(run_options))!r} is of devices at AWS")
        return LocalBraket(name or "braket_sv")
    if kind != "arn":
        raise BackendError(
            f"Unknown Braket device {device!r}: expected 'local', 'local:braket_dm' or "
            "an ARN"
        )
    return AwsBraket(device, run_options)


def _source(program: Payload) -> str:
    if program.format != "openqasm3" or not isinstance(program.program, str):
        raise BackendError(
            f"Braket takes programs in openqasm3, and no {program.format!r}"
        )
    if not program.program.strip():
        raise BackendError("A program for Braket is empty")
    _measured_qubits(program.program, program.num_bits)
    return program.program


def _check_shots(shots: int) -> None:
    if shots < 1:
        raise BackendError(f"Braket runs at least one shot, not {shots}")


def _measured_qubits(source: str, num_bits: int) -> list[int]:
    """Return the qubit on which each bit is measured first.

    Raises:
        BackendError: if a bit is not measured: Braket leaves it out of its results.
    """
    found: dict[int, int] = {}
    for bit, qubit, physical in _MEASURE.findall(_COMMENT.sub(" ", source)):
        found.setdefault(int(bit), int(qubit or physical))
    if set(found) != set(range(num_bits)):
        raise BackendError(
            f"A program for Braket measures the bits {sorted(found)} of the register "
            f"c, where all of 0 to {num_bits - 1} were expected"
        )
    return [found[bit] for bit in range(num_bits)]


def _refuse_what_is_simulated_wrongly(source: str) -> None:
    """Refuse loops and variables that depend on outcomes, if only by appearance.

    The simulators run a loop on an outcome once, and share variables that an outcome
    decides among shots, without saying so.
    """
    text = _COMMENT.sub(" ", source)
    if _WHILE.search(text):
        raise BackendError(
            "Braket's simulators on this machine run a while loop on an outcome once"
        )
    if _IF.search(text) and _VARIABLE.search(text):
        raise BackendError(
            "Braket's simulators on this machine mix up the shots of classical "
            "variables in programs with branches"
        )


def _checked(measurements: Any, shape: tuple[int, int]) -> np.ndarray:
    bits = np.asarray(measurements, np.uint8)
    if bits.shape != shape or bits.max(initial=0) > 1:
        raise BackendError(
            f"Braket has results of shape {bits.shape}, where {shape[0]} shots of "
            f"{shape[1]} bits were expected"
        )
    return bits


def _all_or_reasons(
    bits: Sequence[np.ndarray | None], reasons: dict[int, str]
) -> list[np.ndarray]:
    if not reasons:
        return [each for each in bits if each is not None]
    if len(reasons) == len(bits):
        raise BackendError("; ".join(dict.fromkeys(reasons.values())))
    raise PartialResults(bits, reasons)


@contextmanager
def _translated(doing: str) -> Generator[None]:
    """Raise what boto3 and the SDK raise as errors of a backend."""
    errors = import_module("botocore.exceptions")
    try:
        yield
    except BackendError:
        raise
    except errors.ClientError as error:
        metadata: dict[str, Any] = dict(error.response.get("ResponseMetadata", {}))
        code = metadata.get("HTTPStatusCode", 0)
        name = str(error.response.get("Error", {}).get("Code", ""))
        headers = metadata.get("HTTPHeaders") or {}
        raise BackendError(
            f"{doing}: {error}",
            retry=code == 429 or code >= 500 or "Throttling" in name,
            after=_seconds(headers.get("retry-after")),
        ) from error
    except Exception as error:
        again = isinstance(error, (errors.ConnectionError, errors.HTTPClientError))
        raise BackendError(
            f"{doing}: {type(error).__name__}: {error}", retry=again
        ) from error


def _seconds(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
