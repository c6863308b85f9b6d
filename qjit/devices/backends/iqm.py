"""IQM's machines, by its client for Qiskit, and its simulations of them."""

from importlib import import_module
from typing import Any

from .protocol import BackendError, Limits
from .qiskit_backend import Machine, QiskitRuntime, vendor_errors

FAKES = ("fake_adonis", "fake_aphrodite", "fake_apollo", "fake_deneb", "fake_garnet")


def backend(
    backend: str | None = None,
    *,
    url: str | None = None,
    quantum_computer: str | None = None,
    optimization_level: int = 0,
) -> QiskitRuntime:
    """Return a machine of IQM, or a simulation of one that runs here.

    The client finds its token in the environment variables `IQM_TOKEN` or
    `IQM_TOKENS_FILE`, and the address in `IQM_SERVER_URL` if no `url` is given.

    Args:
        backend: for a simulation its name in `FAKES`. Those take no seeds.
        url: the address of the server.
        quantum_computer: which of the server's machines.
        optimization_level: that of Qiskit's transpiler, 0 to 3.
    """
    iqm = import_module("iqm.qiskit_iqm")
    with vendor_errors():
        if backend is not None:
            device, find_job = _fake(backend), None
        else:
            provider = iqm.IQMProvider(url, quantum_computer=quantum_computer)
            device = provider.get_backend()
            find_job = device.retrieve_job
    return QiskitRuntime(
        Machine(device, ()),
        optimization_level=optimization_level,
        limits=Limits(programs=device.max_circuits),
        find_job=find_job,
    )


def _fake(name: str) -> Any:
    if name not in FAKES:
        raise BackendError(f"iqm-client simulates {', '.join(FAKES)}, and no {name!r}")
    module = import_module(f"iqm.qiskit_iqm.fake_backends.{name}")
    return getattr(module, f"IQMFake{name.removeprefix('fake_').capitalize()}")()
