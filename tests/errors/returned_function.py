import qjit as qj


@qj.qjit
def f(x):
    return {"value": x, "next": lambda: x}


f(1.0)
