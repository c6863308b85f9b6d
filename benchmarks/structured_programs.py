"""Programs with control flow, whose gates are few however often they run."""

from collections.abc import Callable
from typing import Any

import qjit as qj

WIRES = 4


def layers(trips: int) -> Any:
    """A loop of layers with gates that meet their inverses in the next."""

    @qj.qnode(wires=WIRES)
    def circuit(angle: Any) -> Any:
        @qj.for_loop(0, trips, 1)
        def body(_: Any) -> None:
            for wire in range(WIRES):
                qj.H(wire)
            for wire in range(WIRES - 1):
                qj.CNOT(wires=[wire, wire + 1])
                qj.RZ(angle, wires=wire + 1)
                qj.CNOT(wires=[wire, wire + 1])
            for wire in range(WIRES):
                qj.H(wire)

        body()
        return qj.expval(qj.Z(0))

    return circuit


def repeat_until_success(trips: int) -> Any:
    """A loop of trials, each of which is repeated until a measurement is 0."""

    @qj.qnode(wires=WIRES, shots=100)
    def circuit(angle: Any) -> Any:
        @qj.for_loop(0, trips, 1)
        def body(_: Any) -> None:
            @qj.while_loop(lambda failed: failed)
            def trial(_: Any) -> Any:
                qj.H(0)
                qj.T(0)
                qj.CNOT(wires=[0, 1])
                qj.H(0)
                qj.CNOT(wires=[0, 1])
                qj.T(0)
                qj.H(0)
                return qj.measure(0, reset=True)

            trial(True)
            qj.RX(angle, wires=1)
            qj.RX(0.2, wires=1)

        body()
        return qj.expval(qj.Z(1))

    return circuit


def branches(trips: int) -> Any:
    """A loop with a measurement, and branches in branches."""

    @qj.qnode(wires=WIRES)
    def circuit(angle: Any) -> Any:
        def rotate() -> None:
            qj.SWAP(wires=[1, 2])
            qj.CRZ(angle, wires=[1, 2])
            qj.SWAP(wires=[1, 2])
            qj.CRZ(angle, wires=[2, 1])

        @qj.for_loop(0, trips, 1)
        def body(_: Any) -> None:
            qj.H(0)
            first = qj.measure(0)

            def inner() -> None:
                qj.H(1)
                second = qj.measure(1)
                qj.cond(second, rotate)()
                qj.Toffoli(wires=[1, 2, 3])
                qj.Toffoli(wires=[1, 2, 3])

            qj.cond(first, inner)()

        body()
        return qj.expval(qj.Z(2))

    return circuit


STRUCTURED: dict[str, Callable[[int], Any]] = {
    "loop of layers": layers,
    "repeat until success": repeat_until_success,
    "nested branches": branches,
}
