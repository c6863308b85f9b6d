"""Random numbers beyond the uniform: binomial counts and permutations."""

from __future__ import annotations

from qjit.runtime.codegen.builder import F64, I64, PTR, VOID, Body, Module, Value

# Below this mean, counting the successes one by one is quick enough.
FEW = 10.0


def random_module() -> str:
    """IR of the generators."""
    module = Module("qrt.random")
    _binomial(module)
    _few(module)
    _many(module)
    _shuffle(module)
    return module.text()


def _uniform(body: Body, context: Value) -> Value:
    return body.call("__qrt__random", F64, context)


def _binomial(module: Module) -> None:
    """Number of successes of `n` trials that succeed with chance p each."""
    body = module.function("__qrt__binomial", I64, PTR, I64, F64)
    context, n, p = body.args
    body.leave_if((n <= 0) | ~(p > 0.0), 0)
    body.leave_if(p >= 1.0, n)
    with body.when(n.eq(1)):
        body.exit(body.select(_uniform(body, context) < p, 1, 0))
    swapped = p > 0.5
    rare = body.select(swapped, -p + 1.0, p)
    count, trials = body.var(0.0, F64), body.convert(n, F64)
    few = trials * rare < FEW
    with body.when(few):
        count.set(body.call("few", F64, context, trials, rare))
    with body.when(~few):
        count.set(body.call("many", F64, context, trials, rare))
    found = body.convert(count.get(), I64)
    body.finish(body.select(swapped, n - found, found))


def _few(module: Module) -> None:
    """Count successes by the waiting times between them, which are geometric."""
    body = module.function("few", F64, PTR, F64, F64, private=True)
    context, n, p = body.args
    rate = body.call("log1p", F64, -p)
    count, place = body.var(-1.0, F64), body.var(0.0, F64)
    with body.repeat_while(lambda: place.get() <= n):
        drawn = body.intrinsic("log", -_uniform(body, context) + 1.0)
        place.add(body.intrinsic("floor", drawn / rate) + 1.0)
        count.add(1.0)
    body.finish(count.get())


def _many(module: Module) -> None:
    """Transformed rejection with squeeze (Hoermann 1993), for p <= 1/2."""
    body = module.function("many", F64, PTR, F64, F64, private=True)
    context, n, p = body.args
    q = -p + 1.0
    spread = body.intrinsic("sqrt", n * p * q)
    b = spread * 2.53 + 1.15
    a = b * 0.0248 + p * 0.01 - 0.0873
    sure = body.real(4.2) / b * -1.0 + 0.92
    alpha = (body.real(5.1) / b + 2.83) * spread
    mode = body.intrinsic("floor", (n + 1.0) * p)
    odds = body.intrinsic("log", p / q)

    def log_ways(k: Value) -> Value:
        """The logarithm of k! (n-k)!."""
        below = body.call("lgamma", F64, k + 1.0)
        return below + body.call("lgamma", F64, n - k + 1.0)

    top = log_ways(mode)
    result, found = body.var(0.0, F64), body.var(0)
    with body.repeat_while(lambda: found.get().eq(0)):
        u, v = _uniform(body, context) - 0.5, _uniform(body, context)
        edge = -body.intrinsic("fabs", u) + 0.5
        k = body.intrinsic("floor", (a * 2.0 / edge + b) * u + n * p + 0.5)
        result.set(k)
        quick = (edge >= 0.07) & (v <= sure)
        found.set(body.select(quick, 1, 0))
        with body.when(~quick & (k >= 0.0) & (k <= n)):
            height = body.intrinsic("log", v * alpha / (a / (edge * edge) + b))
            limit = top - log_ways(k) + (k - mode) * odds
            found.set(body.select(height <= limit, 1, 0))
    body.finish(result.get())


def _shuffle(module: Module) -> None:
    """A random order of 0 to count - 1."""
    body = module.function("__qrt__shuffle", VOID, PTR, I64, PTR)
    context, count, out = body.args
    with body.loop(count) as number:
        body.store(number, out, number)
    left = body.var(count)
    with body.repeat_while(lambda: left.get() > 1):
        drawn = _uniform(body, context) * body.convert(left.get(), F64)
        place = body.convert(drawn, I64)
        left.add(-1)
        last, other = body.load(I64, out, left.get()), body.load(I64, out, place)
        body.store(other, out, left.get())
        body.store(last, out, place)
    body.finish()
