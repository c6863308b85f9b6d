import jax

import qjit as qj


def halve(x):
    while x > 1:
        x = x / 2
    return x


@lambda f: qj.qjit(f, autograph=True)
def program(x):
    return jax.grad(halve)(x)


program(3.0)
