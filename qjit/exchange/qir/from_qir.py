"""`from_qir`: quantum functions of programs in QIR."""

from collections.abc import Callable
from typing import Any


def from_qir(text: str) -> Callable[..., list[Any]]:
    """Return a program in QIR as a quantum function.

    Args:
        text: the assembly of LLVM, of the base or the adaptive profile of QIR 2. Qubits
            and results are constants, loops test in their headers, and the gates are
            those that have a name in QIR.

    Returns:
        A function to call in a quantum function, with the wires that its qubits are,
        those from 0 on if left out. It returns a list of what the program records:
        outcomes, booleans and numbers, in that order.

    Raises:
        QirError: for a text that is no such program; it quotes the instruction.
        UnsupportedError: for numbers of 64 bits where JAX has none.

    >>> import qjit as qj
    >>> program = qj.from_qir('''
    ... define i64 @main() #0 {
    ...   call void @__quantum__qis__x__body(ptr null)
    ...   call void @__quantum__qis__mz__body(ptr null, ptr null)
    ...   call void @__quantum__rt__result_record_output(ptr null, ptr @r0)
    ...   ret i64 0
    ... }
    ... @r0 = constant [3 x i8] c"r0\\\\00"
    ... declare void @__quantum__qis__x__body(ptr)
    ... declare void @__quantum__qis__mz__body(ptr, ptr)
    ... declare void @__quantum__rt__result_record_output(ptr, ptr)
    ... attributes #0 = { "entry_point" "required_num_qubits"="1" }
    ... ''')
    >>> @qj.qnode(wires=1)
    ... def circuit():
    ...     (outcome,) = program()
    ...     return qj.expval(outcome)
    >>> print(circuit())
    1.0
    """
    # Imported on demand, as few programs need it.
    from .circuit import circuit_of

    return circuit_of(text)
