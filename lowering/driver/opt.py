"""The command `qjit-opt`: run passes on IR text."""

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.xdsl_opt_main import xDSLOptMain

from qjit.lowering.passes.pipeline import TABLE
from qjit.lowering.passes.run import run, yet_to_come

from .stage_text import DIALECTS


class RestPass(ModulePass):
    """Run the passes that a program says are yet to come."""

    name = "rest-of-pipeline"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Run them in order."""
        for _ in run(ctx, op, yet_to_come(op)):
            op.verify()


class OptMain(xDSLOptMain):
    """The optimiser driver of xDSL with the dialects and passes of qjit."""

    def register_all_dialects(self) -> None:
        """Add the dialects of qjit to those of xDSL."""
        super().register_all_dialects()
        for dialect in DIALECTS:
            self.ctx.load_dialect(dialect)

    def register_all_passes(self) -> None:
        """Add the passes of qjit to those of xDSL."""
        super().register_all_passes()
        for step in TABLE:
            if step.level != "jaxpr":
                self.register_pass(step.name, lambda step=step: step.found)
        self.register_pass(RestPass.name, lambda: RestPass)


def main() -> None:
    """Run the command line."""
    OptMain().run()


if __name__ == "__main__":
    main()
