// RUN: qjit-opt -p remove-delays
// RUN: qjit-opt -p cancel-inverses,merge-rotations,single-qubit-fusion,consolidate-blocks | filecheck --check-prefixes=STAY

// CHECK-LABEL: func.func @between
// STAY-LABEL: func.func @between
func.func @between() {
  // CHECK: %r = quantum.alloc : !quantum.reg<2>
  %r = quantum.alloc {durations = "1:3e-08"} : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: %a = quantum.gate "H" on %q0
  // STAY: quantum.gate "H" on %q0
  %a = quantum.gate "H" on %q0
  // STAY-NEXT: quantum.delay 3.000000e-07 on %{{.*}}, %q1
  %b, %c = quantum.delay 3.0e-07 on %a, %q1
  // CHECK-NEXT: %d = quantum.gate "H" on %a
  // STAY-NEXT: quantum.gate "H"
  %d = quantum.gate "H" on %b
  // CHECK-NEXT: quantum.insert %d
  %ra = quantum.insert %d into %r[0] : !quantum.reg<2>
  // CHECK-NEXT: quantum.insert %q1
  %rz = quantum.insert %c into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}
