// RUN: qjit-opt -p remove-barrier
// RUN: qjit-opt -p cancel-inverses,merge-rotations,single-qubit-fusion | filecheck --check-prefixes=STAY
// RUN: qjit-opt -p remove-barrier,cancel-inverses | filecheck --check-prefixes=GONE

// CHECK-LABEL: func.func @between
// STAY-LABEL: func.func @between
// GONE-LABEL: func.func @between
func.func @between() {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: %a = quantum.gate "H" on %q0
  // STAY: %a = quantum.gate "H" on %q0
  // GONE-NOT: quantum.gate
  %a = quantum.gate "H" on %q0
  // STAY-NEXT: %b, %c = quantum.barrier %a, %q1
  %b, %c = quantum.barrier %a, %q1
  // CHECK-NEXT: %d = quantum.gate "H" on %a
  // STAY-NEXT: %d = quantum.gate "H" on %b
  %d = quantum.gate "H" on %b
  // CHECK-NEXT: quantum.insert %d
  %ra = quantum.insert %d into %r[0] : !quantum.reg<2>
  // CHECK-NEXT: quantum.insert %q1
  %rz = quantum.insert %c into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}
