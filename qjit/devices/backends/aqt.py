"""AQT's machines, by its provider for Qiskit, and its simulators."""

from contextlib import suppress
from importlib import import_module
from typing import Any

from .protocol import BackendError, Limits
from .qiskit_backend import Machine, QiskitRuntime, vendor_errors

SIMULATORS = {
    "offline_simulator_no_noise": "ideal",
    "offline_simulator_noise": "noisy",
}


def backend(
    backend: str = "offline_simulator_no_noise",
    *,
    workspace: str | None = None,
    optimization_level: int = 0,
) -> QiskitRuntime:
    """Return a machine of AQT's cloud, or a simulator that runs here.

    The provider finds its credentials in the environment variables `AQT_CLIENT_ID` and
    `AQT_CLIENT_SECRET`, in `~/.aqt`, or in a log-in of before. What it has to know of
    a job in another process, it keeps in a file of its own.

    Args:
        backend: the name of a resource, "offline_simulator_no_noise" or
            "offline_simulator_noise".
        workspace: the workspace of the account that has the resource.
        optimization_level: that of Qiskit's transpiler, 0 to 3.
    """
    aqt = import_module("qiskit_aqt_provider.aqt_provider")
    find_job = None
    with vendor_errors():
        provider = aqt.AQTProvider()
        if backend in SIMULATORS:
            device = getattr(provider.offline, SIMULATORS[backend])()
        else:
            device = _resource(provider, workspace, backend)
            find_job = device.restore_job
    runner = Machine(device, ("memory", "seed_simulator"))
    if find_job is not None:
        runner = Cloud(device, ("memory",))
    return QiskitRuntime(
        runner,
        optimization_level=optimization_level,
        limits=Limits(device.MAX_SHOTS, device.max_circuits),
        find_job=find_job,
    )


class Cloud(Machine):
    """A machine of AQT's cloud, whose jobs are kept for other processes."""

    def run(self, circuits: list[Any], shots: int, seed: int | None) -> Any:
        """Run circuits as one job, and return it."""
        job = super().run(circuits, shots, seed)
        unwritten = import_module(
            "qiskit_aqt_provider.exceptions"
        ).AQTJobPersistenceError
        with suppress(unwritten):  # it is paid for, and this process knows it anyhow
            job.persist()
        return job


def _resource(provider: Any, workspace: str | None, name: str) -> Any:
    config = import_module("aqt_connector").ArnicaConfig()
    cloud = provider.cloud(config)
    # Without these it would wait for somebody to log in with a browser.
    if config.client_id and config.client_secret:
        cloud.log_in()
    found = cloud.fetch_workspaces()
    names = [each.id for each in found]
    chosen = found.get_by_id(names[0] if workspace is None and names else workspace)
    if chosen is None:
        raise BackendError(f"the account has workspaces {names}, and no {workspace!r}")
    return chosen.get_backend(name)
