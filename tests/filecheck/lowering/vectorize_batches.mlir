// RUN: qjit-opt -p build-schedules,vectorize-batches

// The function of a batch's entry becomes one of several, which is called for every
// group of entries. What differs is there for each of them; gates are run at once.
// CHECK-LABEL: func.func @program
// CHECK: batch.for_each @entry_in_lanes(%x, %y, %count) below
func.func @program(%x: memref<64xf64>, %y: memref<64xf64>) {
  %count = arith.constant 64 : index
  batch.for_each @entry(%x, %y) below %count : (memref<64xf64>, memref<64xf64>)
  func.return
}

// CHECK-LABEL: func.func private @entry_in_lanes
// CHECK: arith.minsi
// CHECK: arith.minsi
// CHECK: memref.get_global
// CHECK-NOT: memref.get_global
// CHECK: memref.load
// CHECK: memref.load
// CHECK: quantum.alloc
// CHECK: quantum.alloc
// CHECK: batch.in_lanes {
// CHECK: statevector.schedule
// CHECK: kernel [
// CHECK: statevector.schedule
// CHECK: }
// CHECK-NOT: batch.in_lanes
// CHECK: quantum.expval
// CHECK: quantum.expval
// CHECK-NOT: @entry(
func.func private @entry(%x: memref<64xf64>, %y: memref<64xf64>, %number: index) {
  %one = memref.get_global @one : memref<1xf64>
  %angle = memref.load %x[%number] : memref<64xf64>
  %r = quantum.alloc : !quantum.reg<2>
  %a = quantum.extract %r[0] : !quantum.reg<2>
  %b = quantum.extract %r[1] : !quantum.reg<2>
  %a1 = quantum.gate "RX"(%angle) on %a
  %b1, %a2 = quantum.gate "CNOT" on %b ctrl(%a1)
  %r1 = quantum.insert %a2 into %r[0] : !quantum.reg<2>
  %r2 = quantum.insert %b1 into %r1[1] : !quantum.reg<2>
  %value = quantum.expval %r2 of %one [#quantum.term<"ZI", []>] : !quantum.reg<2>, memref<1xf64>
  quantum.dealloc %r2 : !quantum.reg<2>
  memref.store %value, %y[%number] : memref<64xf64>
  func.return
}
"memref.global"() <{sym_name = "one", type = memref<1xf64>, initial_value = dense<1.0> : tensor<1xf64>, sym_visibility = "private", constant}> : () -> ()

// Entries that draw random numbers stay apart.
// CHECK-LABEL: func.func @drawing
// CHECK: batch.for_each @sampled(
func.func @drawing(%x: memref<64x5x1xi64>) {
  %count = arith.constant 64 : index
  batch.for_each @sampled(%x) below %count : (memref<64x5x1xi64>)
  func.return
}

func.func private @sampled(%x: memref<64x5x1xi64>, %number: index) {
  %r = quantum.alloc : !quantum.reg<1>
  %a = quantum.extract %r[0] : !quantum.reg<1>
  %a1 = quantum.gate "H" on %a
  %r1 = quantum.insert %a1 into %r[0] : !quantum.reg<1>
  %out = memref.alloc() : memref<5x1xi64>
  quantum.sample %r1 [0] shots 5 into %out : !quantum.reg<1>, memref<5x1xi64>
  quantum.dealloc %r1 : !quantum.reg<1>
  func.return
}
