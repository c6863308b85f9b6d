"""Functions whose circuits are handed in and not waited for."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qjit.devices.jobs.job import Job

    from .submission import Submission


class Submits:
    """A function that runs circuits on runtimes of others."""

    def submission(self, *args: Any, **kwargs: Any) -> "tuple[Submission, list[Any]]":
        """Return what `submit` hands in, and the arrays that it takes."""
        raise NotImplementedError

    def submit(self, *args: Any, **kwargs: Any) -> "Job":
        """Hand in the circuits of a call, and do not wait for them.

        Args:
            args, kwargs: those of the function. Its quantum functions are of devices
                that are runtimes of others, and none waits for another.

        Returns:
            The job: `status()`, `result()` with what the call would return, `cancel()`,
            and `to_json()` for another process.

        Raises:
            UnsupportedError: if there is nothing to hand in at once.
            JobError: if a runtime refuses.
        """
        from .submission import written_call

        submission, operands = self.submission(*args, **kwargs)
        return submission.job(operands, written_call(self, args, kwargs))
