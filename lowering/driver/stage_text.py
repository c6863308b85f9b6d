"""Programs that go on from the text of a stage."""

from xdsl.context import Context
from xdsl.dialects import get_all_dialects
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Dialect
from xdsl.parser import Parser
from xdsl.utils.exceptions import ParseError, VerifyException

from qjit.dialects.batch import Batch
from qjit.dialects.gradient import Gradient
from qjit.dialects.host import CallOp, Host
from qjit.dialects.quantum import Quantum
from qjit.dialects.statevector import Statevector
from qjit.lowering.native.host_calls import is_known
from qjit.lowering.native.link import load
from qjit.lowering.passes.run import yet_to_come
from qjit.lowering.program_attributes import Interface

from .program import Program, StatusText
from .stages import Stages, compile_module

DIALECTS: tuple[Dialect, ...] = (Quantum, Gradient, Statevector, Batch, Host)


class TextError(ValueError):
    """A text is no valid module, or not that of a program."""


def parsed(text: str) -> ModuleOp:
    """Return the module of a text, after it was verified."""
    context = Context()
    for name, factory in get_all_dialects().items():
        context.register_dialect(name, factory)
    for dialect in DIALECTS:
        context.load_dialect(dialect)
    try:
        module = Parser(context, text, "the text").parse_module()
        module.verify()
    except (ParseError, VerifyException) as error:
        raise TextError(str(error).strip()) from error
    for op in module.walk():
        if isinstance(op, CallOp) and not is_known(op.key.value.data):
            raise TextError(
                f"host.call {op.callee} is a call of Python that another process made."
            )
    return module


def interface_of(module: ModuleOp) -> Interface:
    """Return what the callers of a module's program know about it."""
    try:
        return Interface.read(module)
    except ValueError as error:
        raise TextError(str(error)) from error


def compile_text(text: str) -> tuple[Program, Interface]:
    """Run the passes that are yet to come for a text, and load the program."""
    module = parsed(text)
    interface = interface_of(module)
    steps = yet_to_come(module)
    try:
        compiled = compile_module(module, steps, Stages(None), {}, interface)
    except VerifyException as error:
        raise TextError(str(error).strip()) from error
    target = load(compiled.code, StatusText(compiled.locations))
    program = Program(
        target,
        interface.results,
        list(interface.lines),
        compiled.report,
        has_side_effect=interface.has_side_effects,
        dimensions=interface.dimensions,
        sizes=interface.sizes,
    )
    return program, interface
