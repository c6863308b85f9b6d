// RUN: qjit-opt -p build-schedules

// What a gate only reads is a row of a table: no operand, no load.
// CHECK-LABEL: func.func @reads
func.func @reads(%t: memref<4xf64>, %u: f64) {
  %zero = arith.constant 0 : index
  %two = arith.constant 2 : index
  %half = arith.constant 0.5 : f64
  %r = quantum.alloc : !quantum.reg<1>
  %q = quantum.extract %r[0] : !quantum.reg<1>
  %x = memref.load %t[%two] : memref<4xf64>
  %a = quantum.gate "RX"(%x) on %q
  %b = quantum.gate "RY"(%half) on %a
  %c = quantum.gate "RZ"(%u) on %b
  %y = memref.load %t[%zero] : memref<4xf64>
  %d = quantum.gate "RX"(%y) on %c
  %s = quantum.insert %d into %r[0] : !quantum.reg<1>
  // CHECK-NOT: memref.load
  // CHECK: statevector.schedule %r : !quantum.reg<1> {
  // CHECK-NEXT: RX(%t[2]) on 0
  // CHECK-NEXT: RY(0.5) on 0
  // CHECK-NEXT: RZ(%u) on 0
  // CHECK-NEXT: RX(%t[0]) on 0
  // CHECK-NEXT: }
  // CHECK-NEXT: quantum.dealloc
  quantum.dealloc %s : !quantum.reg<1>
  func.return
}

// Memory is read before it changes.
// CHECK-LABEL: func.func @writes
func.func @writes(%t: memref<1xf64>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1.0 : f64
  %r = quantum.alloc : !quantum.reg<1>
  %q = quantum.extract %r[0] : !quantum.reg<1>
  %x = memref.load %t[%zero] : memref<1xf64>
  %early = memref.load %t[%zero] : memref<1xf64>
  %a = quantum.gate "RX"(%x) on %q
  // CHECK: %early = memref.load
  // CHECK-NEXT: statevector.schedule %r : !quantum.reg<1> {
  // CHECK-NEXT: RX(%t[0]) on 0
  // CHECK-NEXT: }
  // CHECK-NEXT: memref.store
  memref.store %one, %t[%zero] : memref<1xf64>
  %b = quantum.gate "RY"(%early) on %a
  %y = memref.load %t[%zero] : memref<1xf64>
  %c = quantum.gate "RZ"(%y) on %b
  %s = quantum.insert %c into %r[0] : !quantum.reg<1>
  // CHECK: statevector.schedule %r : !quantum.reg<1> {
  // CHECK-NEXT: RY(%early) on 0
  // CHECK-NEXT: RZ(%t[0]) on 0
  // CHECK-NEXT: }
  quantum.dealloc %s : !quantum.reg<1>
  func.return
}
