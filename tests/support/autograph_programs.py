"""Small Python programs, as users write them, for test_autograph.py."""

import contextlib
import functools

import numpy as np


def elif_chain(x):
    if x > 2:
        y = 1.5
    elif x > 0:
        y = x * 2
    elif x == 0:
        return -1.0
    else:
        y = 3
    return y + 1


def early_returns(x):
    if x > 4:
        return x
    x = x + 1
    if x > 3:
        if x > 4:
            return x * 10
        y = 2
    else:
        y = x
    return y - 1


def early_return_then_value(x):
    if x > 1:
        scale = 2
        if x > 3:
            return -x
        shift = 1
    else:
        scale = 3
        shift = x
    return scale * x + shift


def flag_chain(x):
    return (x > 1 and x < 4) or not x, x and 7, x or 9


def ternaries(x):
    return (1 if x > 2 else 2) + (x if x < 3 else -x)


def chained(x):
    return 0 < x <= 3 != x, 1 < x < 2 < 5


def long_range(x):
    total = 0
    for i in range(40):
        total += x * i
    return total, i


def break_continue_else(x):
    total = 0
    for i in range(30):
        if i % 3 == 1:
            continue
        if i > x * 3:
            break
        total += i
    else:
        total += 1000
    return total


def return_from_loop(x):
    for i in range(50):
        if i * i > x * 3:
            return i
    return -1


def return_from_nested_loops(x):
    for i in range(12):
        for j in range(12):
            if i * j > x:
                return i * 100 + j
    return -1


def short_break(x):
    total = 0
    for i in range(5):
        if i > x:
            break
        total += i
    return total


def traced_range(x):
    n = x + 2
    total = 0
    for i in range(1, 2 * n, 2):
        if i == 3:
            continue
        total += i
    for i in range(n, 0, -1):
        total = total * 2 + i
    return total


def traced_range_break(x):
    total = 0
    for i in range(x + 5):
        total += i
        if total > 7:
            break
    else:
        total = -total
    return total


def while_loop(x):
    steps = 0
    while x < 20:
        x = x * 2 + 1
        steps += 1
    return x, steps


def while_else(x):
    while x < 9:
        x += 2
        if x == 6:
            break
    else:
        return -x
    return x


def while_true(x):
    total = 0.0
    while True:
        x = x / 2
        if x < 0.1:
            break
        total += x
    return total


def while_walrus(x):
    total = 0
    while (y := x * 2) < 30:
        x += 3
        total += y
    return total, y


def while_return(x):
    k = 0
    while k < 50:
        k += 1
        if k > x + 3:
            return k * 100
    return k


def countdown(x):
    n = x + 3
    product = 1
    while n > 1:
        product *= n
        n -= 1
    return product


def array_rows(x):
    total = 0.0
    for row in np.arange(24.0).reshape(12, 2) * x:
        if row[0] > row[1] - 0.5:
            total += row.sum()
        else:
            total -= row[0]
    return total


def enumerate_zip(x):
    values = np.sin(np.arange(11.0)) + x
    total = 0.0
    for i, (a, b) in enumerate(zip(values, values[::-1]), 2):
        if a > b:
            total += i * a
    return total


def zip_ranges(x):
    total = 0
    for a, b in zip(range(10), range(20, 0, -1)):
        total += a * b + x
    for a, b in zip(range(x + 3), range(50)):
        total += a - b + 1
    return total


def reversed_range(x):
    total = x
    for i in reversed(range(15)):
        total = (total * 3 + i) % 101
    return total


def over_list(x):
    total = 0
    for name, weight in [("a", 1), ("b", 2), ("c", 3)]:
        if name == "b":
            continue
        if weight > x:
            break
        total += weight
    return total


def list_append(x):
    found = []
    for i in range(12):
        found.append(x * i)
    return sum(found), [v + 1 for v in found if v is not None][:2]


def list_by_index(x):
    weights = [0.5, 1.5, 2.5] * 6
    total = 0.0
    for i in range(18):
        total += weights[i] * x
    return total


def store_items(x):
    out = np.zeros(20)
    for i in range(20):
        out[i] = x * i
        out[i] += 1
        out[-1] -= 0.5
    return out


def swap_items(x):
    out = np.arange(5.0) * x
    out[1], out[3] = out[3], out[1]
    if x > 2:
        out[0], y = 7.0, 1.0
    else:
        y = out[2]
    return out, y


def bubble_sort(x):
    values = (np.arange(6.0) * 7 + x) % 11
    for i in range(6):
        for j in range(5 - i):
            if values[j] > values[j + 1]:
                values[j], values[j + 1] = values[j + 1], values[j]
    return values


def matrix_items(x):
    out = np.zeros((3, 4))
    for i in range(3):
        for j in range(4):
            out[i, j] = i * x + j
            if out[i, j] > 4:
                out[i][j] *= 2
    return out


def dictionary_state(x):
    state = {"a": 1.0, "b": [x, 2]}
    alias = state
    for i in range(20):
        state["a"] = state["a"] * 0.5 + x
        state["b"][1] += i
    if x > 2:
        state["a"] = -1.0
    return alias["a"], alias["b"]


def tuple_state(x):
    pair = (0, 1.0)
    for _ in range(25):
        pair = (pair[0] + 1, pair[1] * 0.9 + x)
    return pair


def dtype_change(x):
    total = 0
    k = 1
    for i in range(30):
        total = total + i / 2
        if total > x:
            k = 2.5
    return total, k


def nested_functions(x):
    calls = 0

    def bump(by=2, *rest, scale=1):
        nonlocal calls
        if x > 2:
            calls += by * scale
        return calls + sum(rest)

    first = bump()
    for i in range(10):
        bump(i, scale=2)
    return first, bump(1, 5, 6, scale=3), calls


def outer_helper(v, limit=3):
    if v > limit:
        return limit
    return v


def called_functions(x):
    square = lambda v: v * v if v > 1 else v
    twice = functools.partial(outer_helper, limit=2)
    return outer_helper(x), square(x), twice(x), [outer_helper(v) for v in (x, x + 1)]


def power(x, n):
    if n == 0:
        return 1
    half = power(x, n // 2)
    return half * half * x if n % 2 else half * half


def recursion(x):
    return power(x, 5)


class Counter:
    step = 2

    def __init__(self):
        self.count = 0

    def advance(self, x):
        if x > 1:
            self.count += self.step
        return self.count


class Doubled(Counter):
    def advance(self, x):
        for _ in range(3):
            if x > 2:
                super().advance(x)
        return self.__total() + self.count

    def __total(self):
        __sum = 0
        for i in range(9):
            __sum += i
        return __sum

    @staticmethod
    def fixed(x):
        return 5 if x > 2 else 6

    def __call__(self, x):
        if x > 3:
            return 1
        return 0


def methods(x):
    counter = Doubled()
    return counter.advance(x), counter.count, counter.fixed(x), counter(x)


def with_and_try(x):
    total = 0
    for i in range(12):
        with contextlib.nullcontext(i) as j:
            if j > x:
                break
            total += j
    try:
        if x > 2:
            return total
        total += 100
    except ValueError:
        total = -1
    else:
        total += 1000
    finally:
        total += 1
    return total


def generators(x):
    def items(n):
        for i in range(n):
            yield i * x

    return sum(items(4)), [f"{k!r}-{'a' if k else 'b'}" for k in range(2)] == [
        "0-b",
        "1-a",
    ]


def builtins_too(x):
    return max(x, 2), min(3, x, 1), any([x > 1, x > 2]), all([x > 1, x > 2]), int(x > 1)


def mapping(x):
    return list(map(outer_helper, [x, 2 * x])), sum(v for v in [x, 1])


def matching(x):
    total = 0
    for kind in ["add", "sub", "stop", "add"]:
        match kind:
            case "add":
                total += x
            case "sub" if x is not None:
                total -= 1
            case _:
                if x > 2:
                    return total * 100
    return total


def starred(x):
    first, *rest = [x, x + 1, x + 2]
    if first > 2:
        first, *rest = rest[0], rest[1], first
    return first, rest


def temporaries(x):
    if x > 2:
        shifted = x + 1
        y = shifted * 2
    else:
        doubled = x * 2
        y = doubled
    for i in range(20):
        part = y * i
        y = part % 7
    return y


def nothing_returned(x):
    if x > 2:
        return
    x += 1


def deleted(x):
    y = x
    if x > 2:
        z = 3
        y += z
        del z
    return y


TOTAL = 0


def global_variable(x):
    global TOTAL
    TOTAL = 0
    for i in range(20):
        if i > x:
            TOTAL += i
    result, TOTAL = TOTAL, 0
    return result


def static_numbers(x):
    size = 0
    for i in range(12):
        size += i
    return np.ones(size).sum() * x


def prefix_sums(x):
    out = np.zeros(10)
    running = 0.0
    for i in range(len(out)):
        running += x * i
        out[i] = running
    best = out[0]
    where = 0
    for i in range(10):
        if out[i] > 20 and where == 0:
            best, where = out[i], i
    return best, where


def newton(x):
    guess = x + 1.0
    for _ in range(100):
        better = 0.5 * (guess + x / guess)
        if abs(better - guess) < 1e-9:
            break
        guess = better
    return guess


def collatz(x):
    n = x + 6
    steps = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps


def primes(x):
    sieve = np.ones(40, dtype=bool)
    for p in range(2, 40):
        if sieve[p] and p * p < 40 + x:
            for multiple in range(2 * p, 40, p):
                sieve[multiple] = False
    return sieve.sum()


class Log:
    def __init__(self):
        self.total = 0.0
        self.seen = []

    def add(self, value):
        self.total = self.total + value
        self.seen.append(value)


def objects_changed_by_methods(x):
    log = Log()
    for i in range(15):
        log.add(i * x)
    if x > 2:
        log.total = -1.0
    sums = {"odd": 0, "even": 0}

    def count(i):
        sums["odd" if i % 2 else "even"] += x

    for i in range(12):
        count(i)
    return log.total, sum(log.seen), sums


def nested_breaks(x):
    count = 0
    for i in range(20):
        for j in range(20):
            if j > i:
                break
            count += 1
        if count > x * 10:
            break
    return count, i, j


def previous_item(x):
    total = 0
    for i in range(20):
        if i > 0:
            total = last + total
        last = i * x
    return total


def first_none(x):
    best = None
    for i in range(20):
        value = (i * 7 + x) % 11
        if best is None or value > best:
            best = value
    return best


def changing_temporary(x):
    part = "text"
    total = 0
    for i in range(12):
        part = x * i
        total += part
    while total > 20:
        part = [total, 1]
        total -= part[0] // 2 + part[1]
    return total


def stops_or_not(x):
    even = -1
    for i in range(30):
        if i > x + 20:
            break
        if i % 2:
            continue
        even = i
    return even, i
