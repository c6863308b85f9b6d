// RUN: qjit-opt -p twirl-pauli
// RUN: qjit-opt -p twirl-pauli{seed=1},cancel-inverses

// CHECK-LABEL: func.func @entangle
func.func @entangle(%t: f64) {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: quantum.barrier
  // CHECK-NEXT: quantum.gate "CNOT"
  // CHECK-NEXT: quantum.barrier
  // CHECK: quantum.barrier
  // CHECK-NEXT: quantum.gate "CNOT"
  // CHECK-NEXT: quantum.barrier
  // CHECK-NOT: quantum.barrier
  // CHECK: quantum.gate "IsingXX"(%t)
  %a, %b = quantum.gate "CNOT" on %q1 ctrl(%q0)
  %e, %f = quantum.gate "CNOT" on %a ctrl(%b)
  %c, %d = quantum.gate "IsingXX"(%t) on %e, %f
  %ra = quantum.insert %d into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %c into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}
