"""Jobs on runtimes of others, with which later processes go on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from qjit.devices.jobs.job import Job as Job
from qjit.devices.jobs.loading import loaded

Finish = Callable[[list[list[Any]]], Any]


def load(
    source: str | Path,
    function: Any = None,
    *,
    finish: Callable[[Any], Finish] | None = None,
) -> Job:
    """Return a job that another process began, or this one.

    Nothing that a runtime has accepted is handed in again; what it refused for now is
    when the job is next asked. Where the environment variable QJIT_JOBS names a folder,
    what the journal there knows of the job is taken over too.

    Args:
        source: what `job.to_json()` returned, or the path of the job's journal.
        function: the quantum function or compiled function whose `submit` began the
            job; the one that is found by its name when left out.
        finish: in place of a function, what makes, of the program that is kept with
            the job, the function of the bits that `job.result()` applies.

    Returns:
        The job: `status()`, `result()`, `cancel()`.

    Raises:
        JobError: if it is no job, or of another version of the format.

    >>> import qjit as qj
    >>> text = qj.jobs.Job([]).to_json()
    >>> qj.jobs.load(text).status()
    <Status.DONE: 'done'>
    """

    def made(program: Any) -> Finish | None:
        if not isinstance(program, dict) or "function" not in program:
            return None
        from .importing.submission import finish_of

        return lambda bits: finish_of(program, function)(bits)

    return loaded(source, finish or made)
