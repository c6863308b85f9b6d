"""Jobs on runtimes of others, with which later processes go on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from qjit.devices.jobs.job import Job as Job
from qjit.devices.jobs.loading import loaded

Finish = Callable[[list[list[Any]]], Any]


def load(source: str | Path, finish: Callable[[Any], Finish] | None = None) -> Job:
    """Return a job that another process began, or this one.

    Nothing that a runtime has accepted is handed in again; what it refused for now is
    when the job is next asked. Where the environment variable QJIT_JOBS names a folder,
    what the journal there knows of the job is taken over too.

    Args:
        source: what `job.to_json()` returned, or the path of the job's journal.
        finish: what makes, of the program that is kept with the job, the function of
            the bits that `job.result()` applies.

    Returns:
        The job: `status()`, `result()`, `cancel()`.

    Raises:
        JobError: if it is no job, or of another version of the format.

    >>> import qjit as qj
    >>> text = qj.jobs.Job([]).to_json()
    >>> qj.jobs.load(text).status()
    <Status.DONE: 'done'>
    """
    return loaded(source, finish)
