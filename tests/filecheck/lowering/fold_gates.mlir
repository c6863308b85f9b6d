// RUN: qjit-opt -p fold-gates
// RUN: qjit-opt -p fold-gates{method=local} | filecheck --check-prefixes=LOCAL
// RUN: qjit-opt -p fold-gates,cancel-inverses,merge-rotations | filecheck --check-prefixes=CHECK

// CHECK-LABEL: func.func @entangle
// LOCAL-LABEL: func.func @entangle
func.func @entangle(%t: f64, %s: i32) {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: quantum.gate "GlobalPhase"
  // CHECK-NEXT: quantum.gate "RX"(%t) on %{{.*}} slots(%s)
  // CHECK-NEXT: quantum.gate "CNOT"
  // CHECK-NEXT: quantum.barrier
  // CHECK-NEXT: quantum.gate "CNOT"
  // CHECK-NEXT: quantum.gate "RX"(%t) adjoint on %{{.*}} slots(%s)
  // CHECK-NEXT: quantum.barrier
  // CHECK-NEXT: quantum.gate "RX"(%t) on %{{.*}} slots(%s)
  // CHECK-NEXT: quantum.gate "CNOT"
  // CHECK-NEXT: quantum.insert
  // LOCAL: quantum.barrier
  // LOCAL-NEXT: quantum.gate "RX"(%t) on %{{.*}} slots(%s)
  // LOCAL-NEXT: quantum.barrier
  // LOCAL-NEXT: quantum.gate "RX"(%t) adjoint on %{{.*}} slots(%s)
  // LOCAL-NEXT: quantum.barrier
  // LOCAL-NEXT: quantum.gate "RX"(%t) on %{{.*}} slots(%s)
  // LOCAL-NEXT: quantum.barrier
  // LOCAL-NEXT: quantum.barrier
  // LOCAL-NEXT: quantum.gate "CNOT"
  // LOCAL-NEXT: quantum.barrier
  // LOCAL-NEXT: quantum.gate "CNOT"
  // LOCAL-NEXT: quantum.barrier
  // LOCAL-NEXT: quantum.gate "CNOT"
  // LOCAL-NEXT: quantum.barrier
  // LOCAL-NEXT: quantum.insert
  %a = quantum.gate "RX"(%t) on %q0 slots(%s)
  %p = quantum.gate "GlobalPhase"(%t) on %a
  %b, %c = quantum.gate "CNOT" on %q1 ctrl(%p)
  %ra = quantum.insert %c into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %b into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}
