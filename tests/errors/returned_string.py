import qjit as qj


@qj.qjit
def f(x):
    return x, "done"


f(1.0)
