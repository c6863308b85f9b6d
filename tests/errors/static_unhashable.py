import functools

import qjit as qj


@functools.partial(qj.qjit, static_argnums=1)
def f(x, sizes):
    return x * len(sizes)


f(1.0, [2, 3])
