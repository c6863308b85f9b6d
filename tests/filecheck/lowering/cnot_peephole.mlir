// RUN: qjit-opt -p cnot-peephole

// CHECK-LABEL: func.func @cancel_across
func.func @cancel_across(%t: f64) {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: %[[A:.*]] = quantum.gate "RZ"(%t) on %q0
  // CHECK-NEXT: %[[B:.*]] = quantum.gate "RX"(%t) on %q1
  // CHECK-NEXT: quantum.insert %[[A]] into %r[0]
  // CHECK-NEXT: quantum.insert %[[B]] into
  %a, %b = quantum.gate "CNOT" on %q1 ctrl(%q0)
  %c = quantum.gate "RZ"(%t) on %b
  %d = quantum.gate "RX"(%t) on %a
  %e, %f = quantum.gate "CNOT" on %d ctrl(%c)
  %ra = quantum.insert %f into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %e into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}

// CHECK-LABEL: func.func @exchange
func.func @exchange() {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: quantum.gate "CNOT"
  // CHECK-NOT: "CNOT"
  %a, %b = quantum.gate "CNOT" on %q1 ctrl(%q0)
  %c, %d = quantum.gate "CNOT" on %b ctrl(%a)
  %ra = quantum.insert %c into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %d into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}

// CHECK-LABEL: func.func @stays
func.func @stays(%t: f64) {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: quantum.gate "CNOT" on %q1 ctrl(%q0)
  // CHECK-NEXT: quantum.gate "RZ"(%t)
  // CHECK-NEXT: quantum.gate "CNOT"
  %a, %b = quantum.gate "CNOT" on %q1 ctrl(%q0)
  %c = quantum.gate "RZ"(%t) on %a
  %d, %e = quantum.gate "CNOT" on %c ctrl(%b)
  %ra = quantum.insert %e into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %d into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}
