"""The XLA FFI handler of a program, written as LLVM IR."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import jax
from llvmlite import ir

pointer = ir.PointerType()
word = ir.IntType(64)
half = ir.IntType(32)

INVALID_ARGUMENT = 3
EXECUTE_TRAITS = 0
# The symbol of a word that holds the number of a program.
NUMBER = "__qjit__number"
# A function that does not return once the interpreter shuts down.
REMAIN = "__qjit__remain"

# The structs of xla/ffi/api/c_api.h: names of fields and their types, in order. All
# begin with their size and a chain of extensions; a string names a nested struct.
STRUCTS: dict[str, dict[str, ir.Type | str]] = {
    "Extension": {"size": word, "type": half, "next": pointer},
    "Version": {"size": word, "extension": pointer, "major": half, "minor": half},
    "Metadata": {"size": word, "version": "Version", "traits": half},
    "MetadataExtension": {"base": "Extension", "metadata": pointer},
    "Buffers": {
        "size": word,
        "extension": pointer,
        "count": word,
        "types": pointer,
        "items": pointer,
    },
    "Frame": {
        "size": word,
        "extension": pointer,
        "api": pointer,
        "context": pointer,
        "stage": half,
        "args": "Buffers",
        "rets": "Buffers",
    },
    "Buffer": {
        "size": word,
        "extension": pointer,
        "dtype": half,
        "data": pointer,
        "rank": word,
        "dims": pointer,
    },
    "Api": {
        "size": word,
        "extension": pointer,
        "version": "Version",
        "internal": pointer,
        "error_create": pointer,
    },
    "ErrorArguments": {
        "size": word,
        "extension": pointer,
        "message": pointer,
        "code": half,
    },
}


def struct(name: str) -> Any:
    """Return the LLVM type of a struct of the FFI header."""
    fields: Any = STRUCTS[name].values()
    return ir.LiteralStructType(
        [struct(kind) if isinstance(kind, str) else kind for kind in fields]
    )


class Cursor:
    """Field access by name, on top of a builder."""

    def __init__(self, builder: ir.IRBuilder) -> None:
        self.builder = builder

    def address(self, base: Any, name: str, *path: str) -> ir.Value:
        """Return the address of a field, descending into nested structs."""
        indices, current = [ir.Constant(half, 0)], name
        kind: ir.Type | str = name
        for field in path:
            names = list(STRUCTS[current])
            indices.append(ir.Constant(half, names.index(field)))
            kind = STRUCTS[current][field]
            current = kind if isinstance(kind, str) else ""
        # NOTE: llvmlite gives what alloca returns a type, which names the struct.
        source = struct(name) if base.type.is_opaque else None
        return self.builder.gep(base, indices, source_etype=source)

    def load(self, base: ir.Value, kind: ir.Type, name: str, *path: str) -> ir.Value:
        """Load a field."""
        return self.builder.load(self.address(base, name, *path), typ=kind)

    def store(self, value: ir.Value, base: ir.Value, name: str, *path: str) -> None:
        """Store a field."""
        self.builder.store(value, self.address(base, name, *path))


def buffers(cursor: Cursor, frame: ir.Value, side: str, count: int) -> list[ir.Value]:
    """Return the addresses of the arguments or of the results of a call."""
    builder = cursor.builder
    if not count:
        return []
    items = cursor.load(frame, pointer, "Frame", side, "items")
    found: list[ir.Value] = []
    for position in range(count):
        place = builder.gep(items, [ir.Constant(word, position)], source_etype=pointer)
        buffer = builder.load(place, typ=pointer)
        found.append(cursor.load(buffer, pointer, "Buffer", "data"))
    return found


@cache
def _header() -> str:
    return Path(jax.ffi.include_dir(), "xla", "ffi", "api", "c_api.h").read_text()


@cache
def api_version() -> dict[str, int]:
    """Return the major and minor version of the FFI header that jaxlib ships."""
    found = re.findall(r"#define XLA_FFI_API_(MAJOR|MINOR) (\d+)", _header())
    return {part.lower(): int(number) for part, number in found}


def api_function(name: str) -> int:
    """Return the position of a function among those of the FFI's table."""
    return re.findall(r"_XLA_FFI_API_STRUCT_FIELD\(XLA_FFI_(\w+)\)", _header()).index(
        name
    )


def _answer_metadata(cursor: Cursor, extension: ir.Value) -> None:
    """Fill in the query that XLA makes when it registers a handler."""
    builder = cursor.builder
    metadata = cursor.load(extension, pointer, "MetadataExtension", "metadata")
    for part, number in api_version().items():
        cursor.store(ir.Constant(half, number), metadata, "Metadata", "version", part)
    traits = ir.Constant(half, EXECUTE_TRAITS)
    cursor.store(traits, metadata, "Metadata", "traits")
    builder.ret(ir.Constant(pointer, None))


def _fail(cursor: Cursor, module: ir.Module, api: ir.Value, status: ir.Value) -> None:
    """Let Python word the message and hand it to XLA as an error."""
    builder = cursor.builder
    describe = ir.Function(
        module, ir.FunctionType(word, [word, word]), "__qjit__describe"
    )
    number = builder.load(ir.GlobalVariable(module, word, NUMBER), typ=word)
    message = builder.call(describe, [number, status])
    arguments = builder.alloca(struct("ErrorArguments"))
    size = sum(8 for _ in STRUCTS["ErrorArguments"])
    cursor.store(ir.Constant(word, size), arguments, "ErrorArguments", "size")
    cursor.store(ir.Constant(pointer, None), arguments, "ErrorArguments", "extension")
    cursor.store(message, arguments, "ErrorArguments", "message")
    code = ir.Constant(half, INVALID_ARGUMENT)
    cursor.store(code, arguments, "ErrorArguments", "code")
    create = cursor.load(api, word, "Api", "error_create")
    kind = ir.FunctionType(pointer, [pointer])
    typed = builder.inttoptr(create, kind.as_pointer())
    error = builder.call(typed, [arguments])
    # NOTE: XLA has copied it.
    builder.call(_free(module), [builder.inttoptr(message, pointer)])
    builder.ret(error)


def _free(module: ir.Module) -> Any:
    """Return the function that frees memory, which the program may declare too."""
    kind = ir.FunctionType(ir.VoidType(), [pointer])
    return module.globals.get("free") or ir.Function(module, kind, "free")


def add_handler(
    module: ir.Module, program: str, num_inputs: int, num_outputs: int
) -> str:
    """Add the handler of a program to its module and return the handler's name.

    The program takes one pointer per input and output and returns a status. When Python
    is asked to describe that, the program is named by a number outside of it, `NUMBER`:
    the code is the same wherever and however often it is loaded.
    """
    name = f"{program}__handler"
    cursor, frame = begin_handler(module, name)
    builder = cursor.builder
    done = builder.append_basic_block("done")
    failed = builder.append_basic_block("failed")
    api = cursor.load(frame, pointer, "Frame", "api")
    pointers = [
        *buffers(cursor, frame, "args", num_inputs),
        *buffers(cursor, frame, "rets", num_outputs),
    ]
    remain = ir.Function(module, ir.FunctionType(ir.VoidType(), [word]), REMAIN)
    builder.call(remain, [ir.Constant(word, 0)])
    status = builder.call(module.get_global(program), pointers)
    builder.call(remain, [ir.Constant(word, 0)])
    succeeded = builder.icmp_unsigned("==", status, ir.Constant(word, 0))
    builder.cbranch(succeeded, done, failed)
    builder.position_at_end(done)
    builder.ret(ir.Constant(pointer, None))
    builder.position_at_end(failed)
    _fail(cursor, module, api, status)
    return name


def begin_handler(module: ir.Module, name: str) -> tuple[Cursor, ir.Value]:
    """Begin a handler, which answers XLA's query; return where a call begins, and it.

    A call is described by its frame.
    """
    handler = ir.Function(module, ir.FunctionType(pointer, [pointer]), name)
    (frame,) = handler.args
    cursor = Cursor(ir.IRBuilder(handler.append_basic_block("entry")))
    builder = cursor.builder
    query = handler.append_basic_block("query")
    execute = handler.append_basic_block("execute")
    extension = cursor.load(frame, pointer, "Frame", "extension")
    asked = builder.icmp_unsigned("!=", extension, ir.Constant(pointer, None))
    builder.cbranch(asked, query, execute)
    builder.position_at_end(query)
    _answer_metadata(cursor, extension)
    builder.position_at_end(execute)
    return cursor, frame
