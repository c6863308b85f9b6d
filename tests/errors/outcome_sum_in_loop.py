import jax
import jax.numpy as jnp

import qjit as qj


@qj.qnode(wires=2)
def circuit():
    bits = jnp.stack([qj.measure(0), qj.measure(1)])
    found, _ = jax.lax.scan(lambda any, bit: (any | bit, None), False, bits)
    return qj.expval(found)


circuit()
