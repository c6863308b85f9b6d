// RUN: qjit-opt -p merge-rotations

// CHECK-LABEL: func.func @sums
func.func @sums(%t: f64, %u: f64) {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  %a = quantum.gate "RX"(%t) on %q0
  // CHECK: %[[SUM:.*]] = arith.addf %t, %u : f64
  %b = quantum.gate "RX"(%u) on %a
  // CHECK-NEXT: %[[TOTAL:.*]] = arith.subf %[[SUM]], %t : f64
  // CHECK-NEXT: %c = quantum.gate "RX"(%[[TOTAL]]) on %q0
  %c = quantum.gate "RX"(%t) adjoint on %b
  // CHECK-NEXT: %ra = quantum.insert %c into %r[0]
  %ra = quantum.insert %c into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %q1 into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}

// CHECK-LABEL: func.func @constants
func.func @constants() {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  %x = arith.constant 0.25 : f64
  %a, %b = quantum.gate "CRZ"(%x) on %q0 ctrl(%q1)
  // CHECK: %[[HALF:.*]] = arith.constant 5.000000e-01 : f64
  // CHECK-NEXT: quantum.gate "CRZ"(%[[HALF]]) on %q0 ctrl(%q1)
  %c, %d = quantum.gate "CRZ"(%x) on %a ctrl(%b)
  %y = arith.constant -0.75 : f64
  %z = arith.constant 0.75 : f64
  // CHECK-NOT: "IsingXX"
  %e, %f = quantum.gate "IsingXX"(%y) on %c, %d
  %g, %h = quantum.gate "IsingXX"(%z) on %f, %e
  %ra = quantum.insert %h into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %g into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}

// CHECK-LABEL: func.func @stays
func.func @stays(%t: f64, %s: i32) {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: quantum.gate "RX"(%t) on %q0 slots(%s)
  %a = quantum.gate "RX"(%t) on %q0 slots(%s)
  // CHECK-NEXT: quantum.gate "RX"(%t) on %a slots(%s)
  %b = quantum.gate "RX"(%t) on %a slots(%s)
  // CHECK-NEXT: quantum.gate "RY"
  %c = quantum.gate "RY"(%t) on %b
  // CHECK-NEXT: quantum.gate "Rot"
  %d = quantum.gate "Rot"(%t, %t, %t) on %c
  // CHECK-NEXT: quantum.gate "Rot"
  %e = quantum.gate "Rot"(%t, %t, %t) on %d
  %ra = quantum.insert %e into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %q1 into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}
