"""The command `qjit-opt`: run passes on IR text."""

from xdsl.xdsl_opt_main import xDSLOptMain

from qjit.dialects.batch import Batch
from qjit.dialects.gradient import Gradient
from qjit.dialects.host import Host
from qjit.dialects.quantum import Quantum
from qjit.dialects.statevector import Statevector
from qjit.lowering.passes import PASSES


class OptMain(xDSLOptMain):
    """The optimiser driver of xDSL with the dialects and passes of qjit."""

    def register_all_dialects(self) -> None:
        """Add the dialects of qjit to those of xDSL."""
        super().register_all_dialects()
        for dialect in (Quantum, Gradient, Statevector, Batch, Host):
            self.ctx.load_dialect(dialect)

    def register_all_passes(self) -> None:
        """Add the passes of qjit to those of xDSL."""
        super().register_all_passes()
        for name, each in PASSES.items():
            self.register_pass(name, lambda each=each: each)


def main() -> None:
    """Run the command line."""
    OptMain().run()


if __name__ == "__main__":
    main()
