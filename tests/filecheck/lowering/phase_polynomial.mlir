// RUN: qjit-opt -p phase-polynomial

// CHECK-LABEL: func.func @equal_parities
func.func @equal_parities(%t: f64) {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: quantum.gate "CNOT"
  // CHECK-NEXT: %[[SUM:.*]] = arith.addf %t, %t
  // CHECK-NEXT: %[[ON:.*]] = quantum.gate "RZ"(%[[SUM]])
  // CHECK-NOT: "RZ"
  %h = quantum.gate "H" on %q0
  %i = quantum.gate "H" on %q1
  %a, %b = quantum.gate "CNOT" on %i ctrl(%h)
  %c = quantum.gate "RZ"(%t) on %a
  %d = quantum.gate "RX"(%t) on %b
  %e = quantum.gate "RZ"(%t) on %c
  %ra = quantum.insert %d into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %e into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}

// CHECK-LABEL: func.func @across_a_superposition
func.func @across_a_superposition() {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: quantum.gate "H" on %q0
  // CHECK-NEXT: quantum.gate "S"
  // CHECK-NOT: "T"
  %h = quantum.gate "H" on %q0
  %a = quantum.gate "T" on %h
  %b, %c = quantum.gate "CNOT" on %q1 ctrl(%a)
  %d = quantum.gate "H" on %b
  %e = quantum.gate "T" on %c
  %ra = quantum.insert %e into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %d into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}

// CHECK-LABEL: func.func @linear
func.func @linear(%t: f64) {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: %[[H:.*]] = quantum.gate "H" on %q0
  // CHECK: quantum.gate "RZ"(%t) on %[[H]]
  // CHECK-COUNT-1: "CNOT"
  // CHECK-NOT: "CNOT"
  %h = quantum.gate "H" on %q0
  %i = quantum.gate "H" on %q1
  %a, %b = quantum.gate "CNOT" on %i ctrl(%h)
  %c = quantum.gate "RZ"(%t) on %b
  %d, %e = quantum.gate "CNOT" on %c ctrl(%a)
  %ra = quantum.insert %d into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %e into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}


// CHECK-LABEL: func.func @known_bits
func.func @known_bits(%t: f64) {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: arith.mulf %t
  // CHECK-NEXT: "GlobalPhase"
  // CHECK-NOT: "RZ"
  %a, %b = quantum.gate "CNOT" on %q1 ctrl(%q0)
  %c = quantum.gate "RZ"(%t) on %a
  %ra = quantum.insert %b into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %c into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}
