// RUN: qjit-opt --verify-diagnostics --split-input-file

// CHECK: Expected a function, but @entry is none of the module's. A batch calls a function of its own program.
func.func @f(%n: index) {
  batch.for_each @entry() below %n : ()
  func.return
}

// -----

// CHECK: Expected a function of (memref<2xf64>, index), but got (memref<2xf64>) -> (). An entry takes the arguments and a number.
func.func @f(%x: memref<2xf64>, %n: index) {
  batch.for_each @entry(%x) below %n : (memref<2xf64>)
  func.return
}

func.func private @entry(%x: memref<2xf64>) {
  func.return
}
