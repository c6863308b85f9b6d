"""Quantum functions that were traced for one signature, and how they are evaluated."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax

from qjit.dialects.targets import SIMULATE, find_target
from qjit.gradients.qnode_primitives import Circuit, qnode_p
from qjit.tracing.callbacks import Parts
from qjit.tracing.native_calls import native_call
from qjit.tracing.random_keys import next_key


@dataclass(frozen=True)
class Specialised:
    """A quantum function traced for one signature."""

    circuit: Circuit
    parts: Parts
    out_tree: Any

    def run(self, args: Sequence[Any], seed: Any, key: Any, *, alone: bool) -> Any:
        """Evaluate it on arrays.

        Alone in a program, it has the first key, in its native code, where passes know
        its constants. Elsewhere the program counts.
        """
        draws = self.circuit.draws and key is None
        if alone and (draws or not self.parts.is_circuit or self._has_passes):

            def program(*args: Any) -> list[Any]:
                return self._flat(args, seed, None)

            outs = native_call(program, args, self.circuit.name)
        else:
            outs = self._flat(args, seed, key)
        return jax.tree.unflatten(self.out_tree, outs)

    @property
    def _has_passes(self) -> bool:
        """Whether passes look at constants, those of the user or of the device."""
        target = find_target(self.circuit.device)
        passes = self.circuit.passes or target.pipeline != SIMULATE
        return bool(passes and self.parts.circuit.consts)

    def _flat(self, args: Sequence[Any], seed: Any, key: Any) -> list[Any]:
        circuit = self.circuit

        def bind(*operands: Any) -> list[Any]:
            values = [*self.parts.circuit.consts, *operands]
            if circuit.draws:
                values.append(next_key(seed, values) if key is None else key)
            return qnode_p.bind(*values, circuit=circuit, batch=None)

        return self.parts.run(bind, args)
