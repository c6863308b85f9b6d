"""The command `qjit-opt`: run passes on IR text."""

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.xdsl_opt_main import xDSLOptMain

from qjit.lowering.passes import PASSES
from qjit.lowering.program_attributes import PASSES as YET_TO_COME
from qjit.lowering.program_attributes import set_passes, texts_of
from qjit.lowering.stage_text import DIALECTS


class RestPass(ModulePass):
    """Run the passes that a program says are yet to come."""

    name = "rest-of-pipeline"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Run them in order."""
        names = texts_of(op.attributes.get(YET_TO_COME))
        for number, name in enumerate(names):
            PASSES[name]().apply(ctx, op)
            set_passes(op, names[number + 1 :])
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
        for name, each in PASSES.items():
            self.register_pass(name, lambda each=each: each)
        self.register_pass(RestPass.name, lambda: RestPass)


def main() -> None:
    """Run the command line."""
    OptMain().run()


if __name__ == "__main__":
    main()
