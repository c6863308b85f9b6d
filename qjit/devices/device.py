"""Devices: where a quantum function runs, and with how many wires and shots."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from qjit.dialects.targets import (
    ALL_PAIRS,
    FAMILIES,
    SIMULATE,
    TARGETS,
    Target,
    described,
    known_target,
)
from qjit.dialects.targets.hardware import BACKEND
from qjit.errors import ParameterError, UnsupportedError, WireError
from qjit.lowering.jax_internals.tracing import user_line, wide_types
from qjit.tracing.random_keys import checked_seed
from qjit.tracing.wires import Wires, declared_wires

from . import plugins
from .hardware import checked_gates, checked_pipeline, coupling_text
from .runtimes import is_backend, name_of, properties_of, written
from .shots import Shots, checked_shots

# What becomes of shots that a postselection refuses: PennyLane's names. Arrays have one
# size whatever is measured, so "hw-like" shots are masked and not left out.
MASKING = "hw-like", "pad-invalid-samples"
POSTSELECT_MODES = "fill-shots", *MASKING
# The pipeline of a device of which gates or neighbours are known, if none is named.
ON_HARDWARE = "hardware:2"


@dataclass(frozen=True)
class Device:
    """A description of where quantum functions run."""

    name: str = "statevector"
    wires: Any = None  # their number, or a tuple of their labels
    shots: Shots = None
    seed: int | None = None
    dtype: Any = None
    postselect_mode: str | None = None
    gates: Any = None  # names; None for those of the simulator
    coupling: Any = None  # which qubits are neighbours; None for all
    pipeline: str | None = None
    durations: Any = None  # seconds, by the names of gates
    options: str = ""  # of its runtime, as JSON

    def __post_init__(self) -> None:
        object.__setattr__(self, "seed", checked_seed(self.seed))
        object.__setattr__(self, "shots", checked_shots(self.shots))
        if known_target(self.name) is None:
            raise UnsupportedError(
                f"{user_line()}: unknown device {self.name!r}. "
                f"Available: {', '.join(map(repr, devices()))}."
            )
        if self.shots is not None and not self.target.shots:
            raise UnsupportedError(
                f"{user_line()}: device {self.name!r} takes no shots. Leave them out."
            )
        self._check_hardware()
        most = self.target.most_wires
        object.__setattr__(self, "wires", declared_wires(self.wires, most))
        if self.postselect_mode not in (None, *POSTSELECT_MODES):
            names = ", ".join(map(repr, POSTSELECT_MODES))
            raise ParameterError(
                f"{user_line()}: postselect_mode takes {names} or None, but got "
                f"{self.postselect_mode!r}."
            )
        if self.dtype is not None and not _is_complex(self.dtype):
            raise ParameterError(
                f"{user_line()}: dtype takes complex64 or complex128, but got "
                f"{self.dtype!r}."
            )

    def _check_hardware(self) -> None:
        if self.gates is not None:
            object.__setattr__(self, "gates", checked_gates(self.gates))
        if self.coupling is not None:
            object.__setattr__(self, "coupling", coupling_text(self.coupling))
        hardware = self.gates is not None or self.coupling is not None
        if self.pipeline is None and hardware:
            object.__setattr__(self, "pipeline", ON_HARDWARE)
        if self.pipeline is not None:
            checked_pipeline(self.pipeline, self.coupling or ALL_PAIRS)

    @property
    def target(self) -> Target:
        """What the compiler knows of the device."""
        known = known_target(self.name)
        assert known is not None
        own = self.gates, self.coupling, self.pipeline, self.durations
        return described(known.adapted(*own, self.options or None))

    @property
    def masks_shots(self) -> bool:
        """Whether shots that a postselection refuses are masked, not drawn again."""
        return self.postselect_mode in MASKING

    @property
    def complex_dtype(self) -> np.dtype[Any]:
        """The dtype of amplitudes under JAX's present settings."""
        if self.dtype is None:
            wide = wide_types()
            return np.dtype(np.complex128 if wide else np.complex64)
        if np.dtype(self.dtype) == np.complex128 and not wide_types():
            raise ParameterError(
                f"{user_line()}: complex128 needs 64-bit JAX arrays. Call "
                "jax.config.update('jax_enable_x64', True) first."
            )
        return np.dtype(self.dtype)

    def override(self, **settings: Any) -> "Device":
        """Return the device with the given settings changed."""
        return replace(self, **{k: v for k, v in settings.items() if v is not None})


def _is_complex(dtype: Any) -> bool:
    try:
        return np.dtype(dtype).name in ("complex64", "complex128")
    except TypeError:
        return False


def device(
    name: Any = "statevector",
    wires: Wires = None,
    shots: int | Sequence[Any] | None = None,
    seed: Any = None,
    dtype: Any = None,
    *,
    gates: Iterable[str] | None = None,
    coupling: Any = None,
    pipeline: str | None = None,
    **options: Any,
) -> Device:
    """Return a device by name.

    Given gates or a coupling graph, it stands for hardware that has only these:
    circuits are compiled to them, and simulated as what they are then.

    Args:
        name: "statevector", the simulator on this machine's CPU; "null", which runs
            nothing and counts, for `qj.resources`; or another one of `qj.devices()`,
            such as "braket.local" or "ibm.fake_manila"; or the path of a library that
            has the interface of `qjit_device.h`; or a class that is a
            `qjit.devices.gate_device.GateDevice`, or an object that is a
            `qjit.devices.backends.protocol.Backend`.
        wires: number of wires, 0 to wires - 1, or a sequence of their labels; those
            that are used when left out.
        shots: number of samples, or a shot vector of several.
        seed: seed of the random numbers, an integer or a key of JAX: a program then
            draws the same whenever it is called.
        dtype: complex64 or complex128; follows `jax_enable_x64` when left out.
        gates: names of the gates that it has, such as {"RZ", "SX", "X", "CZ"}; others
            are decomposed.
        coupling: which qubits two-qubit gates can be on, as in `qjit.route`.
        pipeline: the passes on its circuits where programs have no pipeline:
            "simulate", or one from "hardware:0" to "hardware:3", which is 2 when left
            out where gates or a coupling are given.
        options: those of the runtime, by the vendor's own names; see docs/runtimes.md.
            A library gets its options as JSON, and a class as keywords.

    Raises:
        UnsupportedError: for an unknown name.
        DeviceError: for a library or a class that is no device.
        MissingPackageError: if the package of a vendor is not installed.
        WireError, ParameterError: for settings out of range, and for what is no gate,
            no coupling graph or no pipeline.

    >>> import qjit as qj
    >>> qj.device("statevector", wires=3).wires
    3
    >>> ions = qj.device(wires=3, gates={"IsingXX", "GPI", "GPI2"}, coupling="line")
    >>> ions.pipeline
    'hardware:2'
    """
    brought = None if _is_ours(name) else plugins.find(name)
    if is_backend(brought):
        name, text = name_of(brought), written({BACKEND: brought})
    elif brought is not None:
        found = plugins.described(brought, options, gates)
        name, gates, text = found.name, found.gates, found.options
        pipeline = pipeline if coupling is not None else pipeline or SIMULATE
    else:
        text = _checked_options(str(name), options)
    made = Device(
        str(name),
        wires,
        checked_shots(shots),
        seed,
        dtype,
        gates=gates,
        coupling=coupling,
        pipeline=pipeline,
        options=text,
    )
    return made if gates is not None or coupling is not None else _on_machine(made)


def devices() -> tuple[str, ...]:
    """Return the names of devices.

    Returns:
        The names, for `qj.device`. One such as "ibm.*" stands for all machines of IBM,
        whose names take the place of the star. The last ones are of libraries in the
        folders of `QJIT_DEVICE_PATH`, and of other packages.

    >>> import qjit as qj
    >>> "statevector" in qj.devices()
    True
    """
    ours = *TARGETS, *(f"{family}.*" for family in FAMILIES)
    return (*ours, *(each for each in plugins.names() if each not in TARGETS))


def _is_ours(name: Any) -> bool:
    known = known_target(name) if isinstance(name, str) else None
    return known is not None and known.state != "device"


def _checked_options(name: str, options: dict[str, Any]) -> str:
    target = known_target(name)
    if options and target is not None and target.runtime is None:
        raise ParameterError(
            f"{user_line()}: device {name!r} takes no option {next(iter(options))!r}."
        )
    return written(options)


def _on_machine(made: Device) -> Device:
    """Return a device with the gates and edges that its machine tells of."""
    known = properties_of(made.target)
    pairs = known.edges
    edges = None if pairs is None else coupling_text(pairs, known.errors)
    number = made.wires if isinstance(made.wires, int) else len(made.wires or ())
    if known.num_qubits is not None and number > known.num_qubits:
        raise WireError(
            f"{user_line()}: device {made.name!r} has {known.num_qubits} qubits, but "
            f"{number} wires were asked for."
        )
    return replace(made, gates=known.gates, coupling=edges, durations=known.durations)
