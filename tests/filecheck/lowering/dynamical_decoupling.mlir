// RUN: qjit-opt -p 'dynamical-decoupling{sequence=XX durations="1:2e-8"}'
// RUN: qjit-opt -p 'dynamical-decoupling{sequence=XY4 durations="1:0" spacing=1e-7}' | filecheck --check-prefixes=FOUR

// A delay that is too short stays, as that of a qubit in |0> does.
// CHECK-LABEL: func.func @filled
// FOUR-LABEL: func.func @filled
func.func @filled() {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: %a = quantum.gate "H" on %q0
  %a = quantum.gate "H" on %q0
  // CHECK-NEXT: %b = quantum.delay 3.900000e-08 on %a
  // CHECK-NEXT: %c = quantum.gate "H" on %b
  %b = quantum.delay 3.9e-08 on %a
  %c = quantum.gate "H" on %b
  // CHECK-NEXT: %[[A:.*]] = quantum.delay 9.000000e-08 on %c
  // CHECK-NEXT: %[[B:.*]] = quantum.gate "X" on %[[A]]
  // CHECK-NEXT: %[[C:.*]] = quantum.delay 1.800000e-07 on %[[B]]
  // CHECK-NEXT: %[[D:.*]] = quantum.gate "X" on %[[C]]
  // CHECK-NEXT: %[[E:.*]] = quantum.delay 9.000000e-08 on %[[D]]
  // CHECK-NEXT: %e = quantum.gate "H" on %[[E]]
  // FOUR: %c = quantum.gate "H"
  // FOUR-NEXT: quantum.delay 5.000000e-08 on %c
  // FOUR-NEXT: "X"
  // FOUR-NEXT: quantum.delay 1.000000e-07
  // FOUR-NEXT: "Y"
  // FOUR-NEXT: quantum.delay 1.000000e-07
  // FOUR-NEXT: "X"
  // FOUR-NEXT: quantum.delay 1.000000e-07
  // FOUR-NEXT: "Y"
  // FOUR-NEXT: quantum.delay 5.000000e-08
  // FOUR-NEXT: %[[P:.*]] = arith.constant 3.14159
  // FOUR-NEXT: "GlobalPhase"(%[[P]])
  %d = quantum.delay 4.0e-07 on %c
  %e = quantum.gate "H" on %d
  // CHECK-NEXT: %f = quantum.delay 4.000000e-07 on %q1
  // CHECK-NEXT: quantum.insert
  %f = quantum.delay 4.0e-07 on %q1
  %r0 = quantum.insert %e into %r[0] : !quantum.reg<2>
  %r1 = quantum.insert %f into %r0[1] : !quantum.reg<2>
  quantum.dealloc %r1 : !quantum.reg<2>
  func.return
}
