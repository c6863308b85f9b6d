// RUN: qjit-opt -p reduce-t-depth

// CHECK-LABEL: func.func @one_layer
func.func @one_layer(%t: f64, %u: f64) {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: %[[C:.*]], %[[D:.*]] = quantum.gate "CNOT" on %q1 ctrl(%q0)
  // CHECK-NEXT: quantum.gate "RZ"(%t) on %[[D]]
  // CHECK-NEXT: quantum.gate "RZ"(%u) on %[[C]]
  // CHECK-NEXT: quantum.insert
  %a = quantum.gate "RZ"(%t) on %q0
  %b, %c = quantum.gate "CNOT" on %q1 ctrl(%a)
  %d = quantum.gate "RZ"(%u) on %b
  %ra = quantum.insert %c into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %d into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}

// CHECK-LABEL: func.func @equal_words
func.func @equal_words() {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: quantum.gate "CNOT"
  // CHECK-NEXT: quantum.gate "T"
  // CHECK-NEXT: quantum.gate "T"
  // CHECK-NOT: quantum.gate "T"
  %x = arith.constant 1.5707963267948966 : f64
  %a = quantum.gate "T" on %q0
  %b, %c = quantum.gate "ControlledPhaseShift"(%x) on %q1 ctrl(%a)
  %ra = quantum.insert %c into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %b into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}

// CHECK-LABEL: func.func @stays
func.func @stays(%t: f64) {
  %r = quantum.alloc : !quantum.reg<1>
  %q0 = quantum.extract %r[0] : !quantum.reg<1>
  // CHECK: %a = quantum.gate "RZ"(%t) on %q0
  // CHECK-NEXT: %b = quantum.gate "H" on %a
  // CHECK-NEXT: %c = quantum.gate "T" on %b
  %a = quantum.gate "RZ"(%t) on %q0
  %b = quantum.gate "H" on %a
  %c = quantum.gate "T" on %b
  %rz = quantum.insert %c into %r[0] : !quantum.reg<1>
  quantum.dealloc %rz : !quantum.reg<1>
  func.return
}
