"""Jobs of other processes, from their text or their journal."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from qjit.errors import JobError, QJitError
from qjit.lowering.jax_internals.tracing import user_line

from .batch import Batch
from .handle import FORMAT, read_chunk, read_payload
from .job import Finish, Job
from .policy import Clock, Policy
from .runtime import Runtime


def loaded(
    source: str | Path,
    finish: Callable[[Any], Finish | None] | None = None,
    *,
    policy: Policy | None = None,
    clock: Clock | None = None,
) -> Job:
    """Return a job, with which this process goes on.

    Args:
        source: the text of a job, or the path of a journal.
        finish: what makes, of the program that is kept with the job, the function of
            the bits.
        policy: as of a batch.
        clock: as of a batch.

    Raises:
        JobError: if it is no job, or of another version of the format.
    """
    try:
        text, path = _first_line(source)
        record = json.loads(text)
        _check_format(record)
        job = Job(
            [_batch(each, policy, clock) for each in record["batches"]],
            _finish(record["program"], finish),
            program=record["program"],
            id=record["id"],
            path=path,
        )
        return job.resume(record["stopped"])
    except QJitError:
        raise
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise _no_job(str(error)) from error


def _first_line(source: str | Path) -> tuple[str, Path | None]:
    """Return the text of a job, and the path of its journal if it is from there."""
    if isinstance(source, str) and source.lstrip().startswith("{"):
        return source, None
    path = Path(source).expanduser()
    try:
        with path.open(encoding="utf-8") as file:
            text = file.readline()
    except OSError as error:
        raise _no_job(str(error)) from error
    if not text.endswith("\n"):
        raise _no_job("its process ended before anything was handed in")
    return text, path


def _check_format(record: Any) -> None:
    found = record.get("qjit_job") if isinstance(record, dict) else None
    if found is None:
        raise _no_job("it is something else")
    if found != FORMAT:
        raise JobError(
            f"{user_line()}: this job is in format {found!r}, and this version of qjit "
            f"reads format {FORMAT}. Go on with it by the version that wrote it."
        )


def _finish(
    program: Any, finish: Callable[[Any], Finish | None] | None
) -> Finish | None:
    return None if finish is None or program is None else finish(program)


def _batch(
    record: Mapping[str, Any], policy: Policy | None, clock: Clock | None
) -> Batch:
    return Batch(
        Runtime(record["backend"], record["options"]),
        [read_payload(payload) for payload in record["payloads"]],
        record["shots"],
        record["seed"],
        chunks=[read_chunk(chunk) for chunk in record["chunks"]],
        policy=policy,
        clock=clock,
    )


def _no_job(why: str) -> JobError:
    return JobError(
        f"{user_line()}: this is no job that can be gone on with: {why}. Expected what "
        "job.to_json() returned, or the path of a journal."
    )
