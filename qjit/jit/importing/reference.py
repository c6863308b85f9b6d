"""The device "reference": circuits as host programs, by the definition of the IR."""

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr
from llvmlite.binding import address_of_symbol
from xdsl.dialects.builtin import f32, f64, i32, i64
from xdsl.interpreter import (
    Interpreter,
    InterpreterFunctions,
    PythonValues,
    impl,
    register_impls,
)
from xdsl.utils.exceptions import InterpretationError

from qjit.dialects import host
from qjit.dialects.interpreter.quantum import run_module
from qjit.dialects.targets import STATEVECTOR, find_target, text_of
from qjit.gradients.qnode_primitives import Circuit, qnode_p
from qjit.lowering.driver.circuits import compile_circuits
from qjit.lowering.importer.program import import_program
from qjit.lowering.native.blas import PREFIX, SPLIT, routine_address
from qjit.lowering.native.host_calls import evaluate_host_call, host_error_text

C_TYPES: dict[Any, Any] = {
    f64: ctypes.c_double,
    f32: ctypes.c_float,
    i32: ctypes.c_int32,
    i64: ctypes.c_int64,
}


@register_impls
class HostFunctions(InterpreterFunctions):
    """Numpy arrays as buffers of calls out of a program."""

    @impl(host.FunctionOp)
    def run_function(
        self, interpreter: Interpreter, op: host.FunctionOp, args: PythonValues
    ) -> PythonValues:
        """Call a function of the C library."""
        types = [C_TYPES[arg.type] for arg in op.arguments]
        function = ctypes.CFUNCTYPE(C_TYPES[op.value.type], *types)
        address = address_of_symbol(op.symbol.data)
        assert address is not None
        return (function(address)(*args),)

    @impl(host.RoutineOp)
    def run_routine(
        self, interpreter: Interpreter, op: host.RoutineOp, args: PythonValues
    ) -> PythonValues:
        """Call a routine of BLAS or LAPACK with the addresses of its buffers."""
        name = op.symbol.data.removeprefix(SPLIT).removeprefix(PREFIX)
        routine = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * len(args))
        routine(routine_address(name))(*(array.ctypes.data for array in args))
        return ()

    @impl(host.CallOp)
    def run_call(
        self, interpreter: Interpreter, op: host.CallOp, args: PythonValues
    ) -> PythonValues:
        """Call a Python function."""
        count = op.num_inputs.value.data
        tables = [
            (ctypes.c_size_t * max(len(row), 1))(*(array.ctypes.data for array in row))
            for row in (args[:count], args[count:])
        ]
        addresses = map(ctypes.addressof, tables)
        if evaluate_host_call(op.key.value.data, *addresses):
            raise InterpretationError(host_error_text())
        return ()


def _simulated(device: str) -> str:
    """Return the simulator with the gates and the edges of a device."""
    target = find_target(device)
    return text_of(
        replace(
            STATEVECTOR,
            gates=target.gates,
            modifiers=target.modifiers,
            coupling=target.coupling,
            pipeline=target.pipeline,
        )
    )


def evaluator(circuit: Circuit, avals: Sequence[Any]) -> Callable[..., list[Any]]:
    """Return a function of arrays that runs a circuit by the numpy definition.

    The circuit is imported as for the simulator, and the operations of its module are
    carried out one by one.
    """

    @cache
    def program() -> tuple[Any, ClosedJaxpr]:
        own = replace(circuit, device=_simulated(circuit.device), diff_method=None)

        def call(*args: Any) -> Any:
            return qnode_p.bind(*args, circuit=own, batch=None)

        closed = jax.make_jaxpr(call)(*avals)
        imported = import_program(closed, name="main")
        compile_circuits(imported.module, imported.circuit_passes)
        return imported.module, closed

    def evaluate(*args: Any) -> list[Any]:
        module, closed = program()
        outs = [np.zeros(aval.shape, aval.dtype) for aval in closed.out_avals]
        run_module(module, [*map(np.asarray, args), *outs], functions=[HostFunctions()])
        return outs

    return evaluate
