"""The structure of control flow: where branches join, and which blocks are loops.

Joins are immediate post-dominators, found on the reversed graph by the algorithm of
K. D. Cooper, T. J. Harvey and K. Kennedy, "A simple, fast dominance algorithm" (2001).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from .reading import MEASURING, Block, Pointer, Program, refused


@dataclass(frozen=True)
class Loop:
    """A loop whose header tests and has phi nodes, and whose body is behind it."""

    inside: int
    """Where its body begins."""
    exit: int
    blocks: frozenset[int]
    negated: bool
    """Whether it goes on while the condition does not hold."""


@dataclass(frozen=True)
class Structure:
    """The blocks of a program, and what they are to one another."""

    program: Program

    def __post_init__(self) -> None:
        _ = self.joins, self.loops

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks, by number."""
        return self.program.blocks

    @cached_property
    def order(self) -> list[int]:
        """The blocks that control reaches, each after all it leads to but by loops."""
        return _postorder(0, lambda block: self.blocks[block].targets)

    @cached_property
    def sources(self) -> Mapping[int, list[int]]:
        """The blocks that lead to each."""
        found: dict[int, list[int]] = {each: [] for each in self.order}
        for block in self.order:
            for target in self.blocks[block].targets:
                found[target].append(block)
        return found

    @cached_property
    def joins(self) -> Mapping[int, int]:
        """Where all ways from a block meet again."""
        ends = [each for each in self.order if not self.blocks[each].targets]
        if len(ends) != 1:
            raise refused(f"{len(ends)} blocks return. One does, at the end.")
        order = _postorder(ends[0], self.sources.__getitem__)[::-1]
        if len(order) != len(self.order):
            raise refused("a loop has no end.")
        place = {block: number for number, block in enumerate(order)}
        found = {ends[0]: ends[0]}

        def meet(a: int, b: int) -> int:
            while a != b:
                if place[a] > place[b]:
                    a = found[a]
                else:
                    b = found[b]
            return a

        changed = True
        while changed:
            changed = False
            for block in order[1:]:
                known = [each for each in self.blocks[block].targets if each in found]
                new = known[0]
                for each in known[1:]:
                    new = meet(new, each)
                changed |= found.get(block) != new
                found[block] = new
        return found

    @cached_property
    def loops(self) -> Mapping[int, Loop]:
        """The loops, by their headers."""
        place = {block: number for number, block in enumerate(self.order)}
        latches: dict[int, list[int]] = {}
        for block in self.order:
            for target in self.blocks[block].targets:
                if place[target] >= place[block]:
                    latches.setdefault(target, []).append(block)
        return {header: self._loop(header, ends) for header, ends in latches.items()}

    def _loop(self, header: int, latches: list[int]) -> Loop:
        block = self.blocks[header]
        blocks = self._behind(header, latches)
        inner = [each for each in block.targets if each in blocks and each != header]
        known = (
            len(latches) == 1
            and len(self.blocks[latches[0]].targets) == 1
            and not block.body
            and len(block.targets) == 2
            and len(inner) == 1
        )
        rest = blocks - {header}
        entered = any(s not in blocks for each in rest for s in self.sources[each])
        left = any(t not in blocks for each in rest for t in self.blocks[each].targets)
        if not known or entered or left:
            raise refused(
                "a loop has another shape than a header, whose phi nodes are followed "
                "by its test, and a body that leads back to it."
            )
        (inside,) = inner
        (end,) = (each for each in block.targets if each != inside)
        return Loop(inside, end, blocks, block.targets[0] != inside)

    def _behind(self, header: int, latches: Iterable[int]) -> frozenset[int]:
        """Return the blocks from which control goes back to a header."""
        found = {header}
        stack = list(latches)
        while stack:
            block = stack.pop()
            if block not in found:
                found.add(block)
                stack += self.sources[block]
        return frozenset(found)

    def between(self, starts: Iterable[int], end: int) -> frozenset[int]:
        """Return the blocks that control may pass before a block."""
        found: set[int] = set()
        stack = list(starts)
        while stack:
            block = stack.pop()
            if block != end and block not in found:
                found.add(block)
                stack += self.blocks[block].targets
        return frozenset(found)

    @cached_property
    def lasting(self) -> frozenset[int]:
        """The results that are read in other blocks than those that write them."""
        found: set[int] = set()
        for number in self.order:
            written: set[int] = set()
            for op in self.blocks[number].body:
                pointers = [each for each in op.operands if isinstance(each, Pointer)]
                if op.opcode in ("read", "record"):
                    found |= {each.number for each in pointers} - written
                elif op.opcode in MEASURING:
                    written.add(pointers[1].number)
        return frozenset(found)

    def written(self, blocks: Iterable[int]) -> list[int]:
        """Return the lasting results that blocks write."""
        found = {
            each.number
            for number in blocks
            for op in self.blocks[number].body
            if op.opcode in MEASURING
            for each in op.operands[1:]
            if isinstance(each, Pointer)
        }
        return sorted(found & self.lasting)


def _postorder(start: int, onwards: Callable[[int], Iterable[int]]) -> list[int]:
    """Return blocks that control reaches, each after those that it leads to first."""
    found: list[int] = []
    seen = {start}
    stack = [(start, iter(onwards(start)))]
    while stack:
        block, following = stack[-1]
        new = next((each for each in following if each not in seen), None)
        if new is None:
            found.append(block)
            stack.pop()
        else:
            seen.add(new)
            stack.append((new, iter(onwards(new))))
    return found
