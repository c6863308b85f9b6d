"""Libraries of QDMI devices: their functions, their codes, sessions and jobs.

The Quantum Device Management Interface, version 1.4, is a C interface that a vendor
implements in a shared library, in whose symbols a prefix stands before `QDMI_device_`.
Libraries of version 1.2, which take a program as a parameter of its job, work as well.
"""

import ctypes as c
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from qjit.devices.backends.protocol import BackendError

STATUSES = {
    1: "QDMI_WARN_GENERAL",
    0: "QDMI_SUCCESS",
    -1: "QDMI_ERROR_FATAL",
    -2: "QDMI_ERROR_OUTOFMEM",
    -3: "QDMI_ERROR_NOTIMPLEMENTED",
    -4: "QDMI_ERROR_LIBNOTFOUND",
    -5: "QDMI_ERROR_NOTFOUND",
    -6: "QDMI_ERROR_OUTOFRANGE",
    -7: "QDMI_ERROR_INVALIDARGUMENT",
    -8: "QDMI_ERROR_PERMISSIONDENIED",
    -9: "QDMI_ERROR_NOTSUPPORTED",
    -10: "QDMI_ERROR_BADSTATE",
    -11: "QDMI_ERROR_TIMEOUT",
}
FATAL, NOT_IMPLEMENTED, NOT_SUPPORTED, TIMEOUT = -1, -3, -9, -11

SESSION_PARAMETERS = {
    "baseurl": 0,
    "token": 1,
    "authfile": 2,
    "authurl": 3,
    "username": 4,
    "password": 5,
    **{f"custom{k}": 999999994 + k for k in range(1, 6)},
}
JOB_STATUSES = (
    "created",
    "submitted",
    "queued",
    "running",
    "done",
    "canceled",
    "failed",
)
JOB_ID = 0
PROGRAM_FORMAT, PROGRAM, SHOTS_NUMBER = range(3)
SHOTS, HISTOGRAM_KEYS, HISTOGRAM_VALUES = range(3)

_pointer, _size, _enum = c.c_void_p, c.c_size_t, c.c_int
_query = [_enum, _size, _pointer, c.POINTER(_size)]
SIGNATURES: dict[str, list[Any]] = {
    "initialize": [],
    "session_alloc": [c.POINTER(_pointer)],
    "session_set_parameter": [_pointer, _enum, _size, _pointer],
    "session_init": [_pointer],
    "session_free": [_pointer],
    "session_query_device_property": [_pointer, *_query],
    "session_query_site_property": [_pointer, _pointer, *_query],
    "session_query_operation_property": [
        *(_pointer, _pointer, _size, c.POINTER(_pointer), _size, _pointer),
        *_query,
    ],
    "session_create_device_job": [_pointer, c.POINTER(_pointer)],
    "session_retrieve_device_job_by_id": [_pointer, c.c_char_p, c.POINTER(_pointer)],
    "job_set_parameter": [_pointer, _enum, _size, _pointer],
    "job_set_programs": [
        *(_pointer, _enum, _size, c.POINTER(_size), c.POINTER(c.c_char_p))
    ],
    "job_get_program_status": [_pointer, _size, c.POINTER(_enum)],
    "job_query_property": [_pointer, *_query],
    "job_submit": [_pointer],
    "job_cancel": [_pointer],
    "job_check": [_pointer, c.POINTER(_enum)],
    "job_get_results": [_pointer, _size, *_query],
    "job_free": [_pointer],
}
OF_1_4 = ("job_set_programs", "job_get_program_status")
LATER = (*OF_1_4, "session_retrieve_device_job_by_id")


class CodeError(BackendError):
    """A code other than success, which a function of a library returned.

    Args:
        function: the function, without its prefix.
        code: what it returned.
        doing: what was asked for.
    """

    def __init__(self, function: str, code: int, doing: str = "") -> None:
        name = STATUSES.get(code, f"code {code}")
        super().__init__(
            f"{doing or 'The QDMI device'}: QDMI_device_{function} returned {name}",
            retry=code == TIMEOUT,
        )
        self.code = code


class Library:
    """The functions of a device, loaded from its shared library.

    Args:
        path: where the shared library is.
        prefix: what its symbols begin with, such as "MQT_DDSIM".
    """

    def __init__(self, path: str, prefix: str) -> None:
        self.prefix = prefix
        try:
            self._library = c.CDLL(path)
        except OSError as error:
            raise BackendError(f"QDMI library {path!r}: {error}") from error
        self._functions: dict[str, Callable[..., int]] = {}
        for name, arguments in SIGNATURES.items():
            self._bind(name, arguments, path)
        self.takes_lists = "job_set_programs" in self._functions
        self.call("initialize")

    def _bind(self, name: str, arguments: list[Any], path: str) -> None:
        symbol = f"{self.prefix}_QDMI_device_{name}"
        function = getattr(self._library, symbol, None)
        if function is None:
            if name in LATER:
                return
            raise BackendError(
                f"QDMI library {path!r} has no symbol {symbol!r}. Give what its "
                "symbols begin with as prefix=."
            )
        if name == "job_get_results" and not self._has("job_set_programs"):
            arguments = [_pointer, *_query]
        function.argtypes = arguments
        function.restype = None if name.endswith("_free") else c.c_int
        self._functions[name] = function

    def _has(self, name: str) -> bool:
        return name in self._functions

    def code(self, name: str, *arguments: Any) -> int:
        """Call a function, and return its code."""
        if not self._has(name):
            return NOT_IMPLEMENTED
        return self._functions[name](*arguments)

    def call(self, name: str, *arguments: Any, doing: str = "") -> None:
        """Call a function, and raise if it does not succeed or only warn."""
        if (code := self.code(name, *arguments)) < 0:
            raise CodeError(name, code, doing)

    def bytes_of(self, name: str, *arguments: Any) -> bytes:
        """Return what a query answers: its size is asked for first."""
        size = _size()
        self.call(name, *arguments, 0, None, c.byref(size))
        if not size.value:
            return b""
        buffer = c.create_string_buffer(size.value)
        self.call(name, *arguments, size, buffer, None)
        return buffer.raw

    def free(self, name: str, handle: c.c_void_p) -> None:
        """Free a session or a job."""
        self._functions[name](handle)


@cache
def load(path: str, prefix: str) -> Library:
    """Load a library, once in a process."""
    return Library(path, prefix)


class Session:
    """A session with a device.

    Args:
        library: the functions of the device.
        parameters: those of `SESSION_PARAMETERS` that are to be set.
        jobs_outlive_it: whether jobs run on when nobody here holds them; a device that
            runs them in this process is asked to end them then.
    """

    def __init__(
        self,
        library: Library,
        parameters: Mapping[str, str],
        *,
        jobs_outlive_it: bool = True,
    ) -> None:
        self.library = library
        self.jobs_outlive_it = jobs_outlive_it
        self.handle = _pointer()
        library.call("session_alloc", c.byref(self.handle))
        weakref.finalize(self, library.free, "session_free", self.handle)
        for name, value in parameters.items():
            text = value.encode() + b"\0"
            library.call(
                *("session_set_parameter", self.handle, SESSION_PARAMETERS[name]),
                *(len(text), text),
                doing=f"The parameter {name!r} of a QDMI session",
            )
        library.call("session_init", self.handle, doing="A QDMI session")

    def device(self, prop: int) -> bytes:
        """Return a property of the device."""
        return self.library.bytes_of("session_query_device_property", self.handle, prop)

    def site(self, site: int, prop: int) -> bytes:
        """Return a property of a qubit's site."""
        return self.library.bytes_of(
            "session_query_site_property", self.handle, site, prop
        )

    def operation(self, operation: int, sites: Sequence[int], prop: int) -> bytes:
        """Return a property of an operation, at sites or, without any, in general."""
        places = (_pointer * len(sites))(*sites) if sites else None
        return self.library.bytes_of(
            *("session_query_operation_property", self.handle, operation),
            *(len(sites), places, 0, None, prop),
        )

    def new_job(self) -> "Job":
        """Return a job without programs."""
        handle = _pointer()
        self.library.call(
            "session_create_device_job", self.handle, c.byref(handle), doing="A new job"
        )
        return Job(self, handle)

    def find_job(self, identity: str) -> "Job":
        """Return a job of before, by its ID, if the device can find it."""
        handle = _pointer()
        self.library.call(
            *("session_retrieve_device_job_by_id", self.handle, identity.encode()),
            c.byref(handle),
            doing=f"The job {identity!r} of before",
        )
        return Job(self, handle)


class Job:
    """A job of a session: programs of one format, which run equally often.

    Args:
        session: the session that it belongs to.
        handle: what the library knows it by.
    """

    def __init__(self, session: Session, handle: c.c_void_p) -> None:
        self._library, self._handle = session.library, handle
        # The session is an argument, so that it is not freed before its jobs are.
        weakref.finalize(self, _free_job, session, handle)

    def set_parameter(self, parameter: int, value: Any, doing: str) -> None:
        """Set a parameter to a value of ctypes."""
        self._library.call(
            *("job_set_parameter", self._handle, parameter, c.sizeof(value)),
            c.byref(value),
            doing=doing,
        )

    def takes(self, form: int, count: int) -> bool:
        """Return whether this many programs of a format can be in the job."""
        if not self._library.takes_lists:
            return count == 1
        code = self._library.code(
            "job_set_programs", self._handle, form, count, None, None
        )
        return code >= 0

    def set_programs(self, form: int, programs: Sequence[bytes]) -> None:
        """Set the programs; a text ends with a zero byte."""
        doing = "The programs of a job"
        if self._library.takes_lists:
            count = len(programs)
            sizes = (_size * count)(*map(len, programs))
            starts = (c.c_char_p * count)(*programs)
            self._library.call(
                *("job_set_programs", self._handle, form, count, sizes, starts),
                doing=doing,
            )
            return
        (program,) = programs
        self.set_parameter(PROGRAM_FORMAT, _enum(form), doing)
        self._library.call(
            *("job_set_parameter", self._handle, PROGRAM, len(program), program),
            doing=doing,
        )

    def submit(self) -> str:
        """Submit the job, and return its ID."""
        self._library.call("job_submit", self._handle, doing="Submitting a job")
        return text(self._library.bytes_of("job_query_property", self._handle, JOB_ID))

    def status(self) -> str:
        """Return one of `JOB_STATUSES`."""
        found = _enum()
        self._library.call(
            "job_check", self._handle, c.byref(found), doing="The status of a job"
        )
        return _status(found.value)

    def program_status(self, index: int) -> str | None:
        """Return the status of a program, or None if the device does not tell."""
        found = _enum()
        code = self._library.code(
            "job_get_program_status", self._handle, index, c.byref(found)
        )
        return _status(found.value) if code >= 0 else None

    def cancel(self) -> None:
        """Ask that the job is not run."""
        self._library.call("job_cancel", self._handle, doing="Cancelling a job")

    def results(self, index: int, result: int) -> bytes:
        """Return a result of a program."""
        place = (index,) if self._library.takes_lists else ()
        return self._library.bytes_of("job_get_results", self._handle, *place, result)


def _free_job(session: Session, handle: c.c_void_p) -> None:
    if not session.jobs_outlive_it:
        session.library.code("job_cancel", handle)
    session.library.free("job_free", handle)


def _status(value: int) -> str:
    if value not in range(len(JOB_STATUSES)):
        raise BackendError(
            f"The QDMI device reports an unknown status {value} of a job"
        )
    return JOB_STATUSES[value]


def text(data: bytes) -> str:
    """Return the text of a property, which a zero byte ends."""
    return data.split(b"\0", 1)[0].decode(errors="replace")
