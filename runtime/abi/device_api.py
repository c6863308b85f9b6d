"""The table of functions of a device, as `qjit_device.h` has it."""

import ctypes
from ctypes import POINTER, c_char_p, c_double, c_int32, c_uint8, c_uint32, c_uint64
from ctypes import c_void_p as pointer

ABI_VERSION, OK = 1, 0
MODIFIERS = 1
ENTRY = "qjit_device_table"
ERROR_SIZE = 1024


class GateKind(ctypes.Structure):
    """A kind of gate that a device has."""

    _fields_ = (
        ("name", c_char_p),
        ("num_parameters", c_uint32),
        ("num_targets", c_uint32),
    )


class Gate(ctypes.Structure):
    """A gate to apply."""

    _fields_ = (
        ("kind", c_uint32),
        ("adjoint", c_uint32),
        ("num_parameters", c_uint32),
        ("num_targets", c_uint32),
        ("num_controls", c_uint32),
        ("reserved", c_uint32),
        ("parameters", POINTER(c_double)),
        ("targets", POINTER(c_int32)),
        ("controls", POINTER(c_int32)),
        ("control_values", POINTER(c_uint8)),
    )


CREATE = ctypes.CFUNCTYPE(
    pointer, c_char_p, c_uint64, c_uint64, POINTER(ctypes.c_char), c_uint64
)
DESTROY = ctypes.CFUNCTYPE(None, pointer)
LAST_ERROR = ctypes.CFUNCTYPE(pointer, pointer)
APPLY_GATE = ctypes.CFUNCTYPE(c_int32, pointer, POINTER(Gate))
SAMPLE = ctypes.CFUNCTYPE(
    c_int32, pointer, c_uint64, POINTER(c_int32), c_uint64, POINTER(c_uint8)
)
MEASURE = ctypes.CFUNCTYPE(c_int32, pointer, c_int32, POINTER(c_uint8))
RESET = ctypes.CFUNCTYPE(c_int32, pointer, c_int32)
AMPLITUDES = ctypes.CFUNCTYPE(c_int32, pointer, POINTER(c_double))


class DeviceApi(ctypes.Structure):
    """The table of functions."""

    _fields_ = (
        ("abi_version", c_uint32),
        ("struct_size", c_uint32),
        ("name", c_char_p),
        ("flags", c_uint32),
        ("max_qubits", c_uint32),
        ("num_gates", c_uint32),
        ("reserved", c_uint32),
        ("gates", POINTER(GateKind)),
        ("create", CREATE),
        ("destroy", DESTROY),
        ("last_error", LAST_ERROR),
        ("apply_gate", APPLY_GATE),
        ("sample", SAMPLE),
        ("measure", MEASURE),
        ("reset", RESET),
        ("amplitudes", AMPLITUDES),
    )


REQUIRED = "create", "destroy", "last_error", "apply_gate", "sample"


def word_of(name: str) -> int:
    """Return which word of a table holds a function, counted from 0.

    >>> word_of("create")
    5
    """
    return getattr(DeviceApi, name).offset // 8
