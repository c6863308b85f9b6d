// RUN: qjit-opt -p disentangle-cnot

// CHECK-LABEL: func.func @control_in_0
func.func @control_in_0(%t: f64) {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: quantum.gate "RX"(%t) on %q1
  // CHECK-NOT: "CNOT"
  %a = quantum.gate "RX"(%t) on %q1
  %b, %c = quantum.gate "CNOT" on %a ctrl(%q0)
  %ra = quantum.insert %c into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %b into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}

// CHECK-LABEL: func.func @control_in_1
func.func @control_in_1(%t: f64) {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: quantum.gate "X" on %q0
  // CHECK-NEXT: %[[A:.*]] = quantum.gate "RX"(%t) on %q1
  // CHECK-NEXT: quantum.gate "X" on %[[A]]
  %x = quantum.gate "X" on %q0
  %a = quantum.gate "RX"(%t) on %q1
  %b, %c = quantum.gate "CNOT" on %a ctrl(%x)
  %ra = quantum.insert %c into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %b into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}

// CHECK-LABEL: func.func @target_in_minus
func.func @target_in_minus(%t: f64) {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: %[[A:.*]] = quantum.gate "RX"(%t) on %q1
  // CHECK: quantum.gate "Z" on %[[A]]
  // CHECK-NOT: "CNOT"
  %x = quantum.gate "X" on %q0
  %h = quantum.gate "H" on %x
  %a = quantum.gate "RX"(%t) on %q1
  %b, %c = quantum.gate "CNOT" on %h ctrl(%a)
  %ra = quantum.insert %b into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %c into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}

// CHECK-LABEL: func.func @reset_is_fresh
func.func @reset_is_fresh(%t: f64) {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: quantum.gate "RX"(%t) on %q0
  // CHECK: quantum.reset
  // CHECK-NOT: "CNOT"
  %a = quantum.gate "RX"(%t) on %q0
  %b = quantum.gate "RX"(%t) on %q1
  %c = quantum.reset %a
  %d, %e = quantum.gate "CNOT" on %b ctrl(%c)
  %ra = quantum.insert %e into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %d into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}

// CHECK-LABEL: func.func @stays
func.func @stays(%t: f64) {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: quantum.gate "RX"(%t) on %q0
  %a = quantum.gate "RX"(%t) on %q0
  // CHECK-NEXT: quantum.gate "CNOT" on %q1
  %b, %c = quantum.gate "CNOT" on %q1 ctrl(%a)
  %ra = quantum.insert %c into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %b into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}
