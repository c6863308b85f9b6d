"""All tables, and the cases in them by name."""

from classical import CLASSICAL
from comparison import Case, Table
from compiling import COMPILING, FIRST, SECOND
from memory import MEMORY
from sampling import SAMPLING
from scaling import BATCH, DEPTH, LIMITS, QUBITS, THREADS, VARIED
from states import CALLS, SINGLE, SMALL, STATES
from trainings import GRADIENTS, TRAININGS
from versions import VERSIONS

TABLES: dict[str, Table] = {
    "calls": CALLS,
    "small": SMALL,
    "trainings": TRAININGS,
    "gradients": GRADIENTS,
    "states": STATES,
    "complex64": SINGLE,
    "sampling": SAMPLING,
    "compiling": COMPILING,
    "first": FIRST,
    "second": SECOND,
    "classical": CLASSICAL,
    "memory": MEMORY,
    "limits": LIMITS,
    "qubits": QUBITS,
    "depth": DEPTH,
    "batch": BATCH,
    "threads": THREADS,
    "steps": VARIED,
    "versions": VERSIONS,
}
CASES: dict[str, Case] = {
    name: case for table in TABLES.values() for name, case in table.cases.items()
}
