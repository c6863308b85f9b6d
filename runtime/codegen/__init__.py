"""Writing LLVM assembly from Python: values, loops and blocks of amplitudes."""
