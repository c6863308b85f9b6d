"""The functions of a run: one that does it, and one that undoes it."""

from __future__ import annotations

from qjit.runtime.emit import I64, PTR, VOID, Module, Value
from qjit.runtime.reverse import KEPT_PARAMS, SLOTS
from qjit.runtime.state import data, is_skipped

from .plan import Plan
from .run_code import Forward, RunCode
from .slopes import Target
from .undo import Undo


def run_ir(plan: Plan, name: str, wanted: tuple[bool, ...] | None = None) -> str:
    """LLVM IR of a run.

    Of the state and the parameters, its function returns 0 if it has done nothing, and
    else 1; or, where it is told which parameters are `wanted`, the address of what
    undoes the run, given its record, ket, bra and the gradient.
    """
    module = Module(name)
    if wanted is not None:
        _undo(module, plan, f"{name}_undo", wanted)
    body = module.function(name, I64, PTR, PTR)
    state, params = body.args
    body.leave_if(is_skipped(body, state), 0)
    code = RunCode(module, body, plan, params)
    body.leave_if(~code.prepare(), 0)
    Forward(code, data(body, state)).emit()
    done = body.int(1)
    if wanted is not None:
        undo = module.raw.globals[f"{name}_undo"]
        done = Value(body, body.builder.ptrtoint(undo, I64))
    body.finish(done)
    return module.text()


def _undo(module: Module, plan: Plan, name: str, wanted: tuple[bool, ...]) -> None:
    body = module.function(name, VOID, PTR, PTR, PTR, PTR, private=True)
    record, ket, bra, gradient = body.args
    params, slots = (body.load(PTR, record, word) for word in (KEPT_PARAMS, SLOTS))
    code = RunCode(module, body, plan, params)
    code.prepare()
    states = [data(body, state) for state in (ket, bra)]
    Undo(code, states, Target(code, slots, gradient, wanted)).emit()
    body.finish()
