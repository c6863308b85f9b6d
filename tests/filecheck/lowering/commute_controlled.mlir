// RUN: qjit-opt -p commute-controlled

// CHECK-LABEL: func.func @through_controls_and_targets
func.func @through_controls_and_targets(%t: f64) {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: quantum.gate "RZ"(%t) on %q0
  // CHECK-NEXT: quantum.gate "X" on %q1
  // CHECK-NEXT: quantum.gate "CNOT"
  %a, %b = quantum.gate "CNOT" on %q1 ctrl(%q0)
  // CHECK-NEXT: quantum.gate "RY"
  %c = quantum.gate "RZ"(%t) on %b
  %d = quantum.gate "X" on %a
  %e = quantum.gate "RY"(%t) on %d
  // CHECK-NEXT: quantum.insert
  %ra = quantum.insert %c into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %e into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}
