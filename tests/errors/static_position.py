import qjit as qj


def f(x):
    return x


qj.qjit(f, static_argnums=3)
