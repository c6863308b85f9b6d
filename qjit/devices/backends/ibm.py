"""IBM's machines, by the sampler of Qiskit's runtime, and its simulations of them."""

import warnings
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from .protocol import BackendError, Limits
from .qiskit_backend import QiskitRuntime, Sampler, vendor_errors

MODES = ("job", "session", "batch")


def backend(
    backend: str,
    *,
    instance: str | None = None,
    channel: str | None = None,
    name: str | None = None,
    mode: str = "job",
    options: Mapping[str, Any] | None = None,
    optimization_level: int = 0,
) -> QiskitRuntime:
    """Return a machine of IBM, or a simulation of one that runs here.

    The account is the one that `QiskitRuntimeService.save_account` saved, or that of
    the environment variables that the service reads.

    Args:
        backend: the machine's name, such as "ibm_fez"; "fake_manila" and the like run
            here, with the noise of the machine as it was.
        instance: which of the account's instances.
        channel: how the account reaches IBM.
        name: which of the saved accounts.
        mode: "job", or "session" or "batch" for one that all submissions are in until
            `close()`.
        options: those of `SamplerV2`.
        optimization_level: that of Qiskit's transpiler, 0 to 3.
    """
    ibm = import_module("qiskit_ibm_runtime")
    if mode not in MODES:
        raise ValueError(f"mode must be one of {MODES}, and is {mode!r}")
    service, device = None, _fake(backend)
    with vendor_errors():
        if device is None:
            service = _service(channel=channel, instance=instance, name=name)
            device = service.backend(backend)
        group = {"session": ibm.Session, "batch": ibm.Batch}.get(mode)
        held = None if group is None else group(backend=device)
        sampler = ibm.SamplerV2(
            mode=device if held is None else held, options=dict(options or {})
        )
    return QiskitRuntime(
        Sampler(sampler),
        optimization_level=optimization_level,
        limits=Limits(getattr(device, "max_shots", None), device.max_circuits),
        find_job=None if service is None else service.job,
        closing=None if held is None else held.close,
    )


def _service(**account: Any) -> Any:
    return import_module("qiskit_ibm_runtime").QiskitRuntimeService(
        **{name: value for name, value in account.items() if value is not None}
    )


def _fake(name: str) -> Any:
    """Return the simulation of a machine, None if the name is not of one."""
    if not name.startswith("fake_"):
        return None
    simulations = import_module("qiskit_ibm_runtime.fake_provider")
    stem = "".join(part.capitalize() for part in name.split("_"))
    for each in (f"{stem}V2", stem):
        if (make := getattr(simulations, each, None)) is not None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that its noise is not typical
                return make()
    raise BackendError(f"qiskit-ibm-runtime has no simulation of the name {name!r}")
