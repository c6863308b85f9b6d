// RUN: qjit-opt -p 'schedule-gates{durations="CNOT:3e-7,1:3e-8,2:4e-7,measure:1e-6,reset:2e-6"}'
// RUN: qjit-opt -p 'schedule-gates{mode=alap durations="CNOT:3e-7,1:3e-8,2:4e-7,measure:1e-6,reset:2e-6"}' | filecheck --check-prefixes=LATE
// RUN: qjit-opt -p schedule-gates | filecheck --check-prefixes=NONE

// CHECK-LABEL: func.func @gaps
// LATE-LABEL: func.func @gaps
// NONE-LABEL: func.func @gaps
func.func @gaps() {
  // CHECK: quantum.alloc {durations = "CNOT:3e-07,1:3e-08,2:4e-07,measure:1e-06,reset:2e-06"}
  // NONE-NOT: durations
  // NONE-NOT: delay
  %x = arith.constant 1.0 : f64
  %r = quantum.alloc : !quantum.reg<3>
  %q0 = quantum.extract %r[0] : !quantum.reg<3>
  %q1 = quantum.extract %r[1] : !quantum.reg<3>
  %q2 = quantum.extract %r[2] : !quantum.reg<3>
  // CHECK: %a = quantum.gate "H" on %q0
  // CHECK-NEXT: %[[W:.*]] = quantum.delay 3.000000e-08 on %q1
  // CHECK-NEXT: %b, %c = quantum.gate "CNOT" on %[[W]] ctrl(%a)
  // LATE: %a = quantum.gate "H" on %q0
  // LATE-NEXT: %[[W:.*]] = quantum.delay 3.000000e-08 on %q1
  // LATE-NEXT: %b, %c = quantum.gate "CNOT" on %[[W]] ctrl(%a)
  %a = quantum.gate "H" on %q0
  %b, %c = quantum.gate "CNOT" on %q1 ctrl(%a)
  // A phase on no wires takes no time.
  // CHECK-NEXT: "GlobalPhase"
  // CHECK-NEXT: %e = quantum.gate "X" on %q2
  // CHECK-NEXT: quantum.insert %c
  // CHECK-NEXT: quantum.insert %d
  // CHECK-NEXT: %[[L:.*]] = quantum.delay 3.000000e-07 on %e
  // CHECK-NEXT: quantum.insert %[[L]]
  // LATE-NEXT: "GlobalPhase"
  // LATE-NEXT: %[[L:.*]] = quantum.delay 3.000000e-07 on %q2
  // LATE-NEXT: %e = quantum.gate "X" on %[[L]]
  // LATE-NEXT: quantum.insert
  %d = quantum.gate "GlobalPhase"(%x) on %b
  %e = quantum.gate "X" on %q2
  %r0 = quantum.insert %c into %r[0] : !quantum.reg<3>
  %r1 = quantum.insert %d into %r0[1] : !quantum.reg<3>
  %r2 = quantum.insert %e into %r1[2] : !quantum.reg<3>
  quantum.dealloc %r2 : !quantum.reg<3>
  func.return
}

// Wires wait for a measurement; what waits beside a delay of the program is part of it.
// CHECK-LABEL: func.func @measured
// LATE-LABEL: func.func @measured
// NONE-LABEL: func.func @measured
func.func @measured() -> i1 {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: quantum.measure %q0
  // CHECK-NEXT: %b = quantum.gate "S" adjoint on %q1
  // CHECK-NEXT: quantum.delay 9.700000e-07 on %b
  // LATE: quantum.measure %q0
  // LATE-NEXT: %[[S:.*]] = quantum.delay 7.000000e-08 on %q1
  // LATE-NEXT: quantum.gate "S" adjoint on %[[S]]
  // LATE-NEXT: quantum.delay 9.000000e-07
  %m, %a = quantum.measure %q0
  %b = quantum.gate "S" adjoint on %q1
  // CHECK-NEXT: quantum.gate "CZ"
  // LATE-NEXT: quantum.gate "CZ"
  // CHECK-NEXT: quantum.insert
  %c = quantum.delay 9.0e-07 on %b
  %d, %e = quantum.gate "CZ" on %a ctrl(%c)
  %r0 = quantum.insert %d into %r[0] : !quantum.reg<2>
  %r1 = quantum.insert %e into %r0[1] : !quantum.reg<2>
  quantum.dealloc %r1 : !quantum.reg<2>
  func.return %m : i1
}

// The turn of a loop has times of its own.
// CHECK-LABEL: func.func @loop
func.func @loop(%low: index, %high: index, %step: index) {
  %r = quantum.alloc : !quantum.reg<2>
  %s = scf.for %i = %low to %high step %step iter_args(%t = %r) -> (!quantum.reg<2>) {
    %q0 = quantum.extract %t[0] : !quantum.reg<2>
    %q1 = quantum.extract %t[1] : !quantum.reg<2>
    // CHECK: %a = quantum.gate "X" on %q0
    // CHECK-NEXT: quantum.delay 1.000000e-07 on %a
    // CHECK-NEXT: quantum.delay 1.300000e-07 on %q1
    // CHECK-NOT: quantum.delay
    %a = quantum.gate "X" on %q0
    %b, %c = quantum.delay 1.0e-07 on %a, %q1
    %r0 = quantum.insert %b into %t[0] : !quantum.reg<2>
    %r1 = quantum.insert %c into %r0[1] : !quantum.reg<2>
    scf.yield %r1 : !quantum.reg<2>
  }
  %q = quantum.extract %s[0] : !quantum.reg<2>
  %p = quantum.gate "X" on %q
  %u = quantum.insert %p into %s[0] : !quantum.reg<2>
  quantum.dealloc %u : !quantum.reg<2>
  func.return
}

// A branch and a function are scheduled by themselves, where wires have met.
// CHECK-LABEL: func.func @layer
// CHECK-SAME: durations = "CNOT:3e-07
func.func @layer(%r: !quantum.reg<2>) -> !quantum.reg<2> {
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: quantum.gate "S"
  // CHECK-NEXT: quantum.gate "T"
  // CHECK-NOT: quantum.delay
  // CHECK: func.return
  %a = quantum.gate "S" on %q0
  %b = quantum.gate "T" on %q1
  %r0 = quantum.insert %a into %r[0] : !quantum.reg<2>
  %r1 = quantum.insert %b into %r0[1] : !quantum.reg<2>
  func.return %r1 : !quantum.reg<2>
}

// CHECK-LABEL: func.func @calls
func.func @calls(%wire: i64, %flag: i1) {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: quantum.gate "X"
  // CHECK-NEXT: quantum.gate "H"
  // CHECK-NEXT: %c = quantum.gate "H"
  // CHECK-NEXT: %[[A:.*]] = quantum.delay 3.000000e-08 on %a
  // CHECK-NEXT: quantum.insert %[[A]]
  // CHECK-NEXT: quantum.insert %c
  // CHECK-NEXT: func.call @layer
  %a = quantum.gate "X" on %q0
  %b = quantum.gate "H" on %q1
  %c = quantum.gate "H" on %b
  %r0 = quantum.insert %a into %r[0] : !quantum.reg<2>
  %r1 = quantum.insert %c into %r0[1] : !quantum.reg<2>
  %s = func.call @layer(%r1) : (!quantum.reg<2>) -> !quantum.reg<2>
  // CHECK: quantum.gate "Y" on
  // CHECK-NEXT: quantum.insert
  // CHECK-NEXT: quantum.extract %{{.*}}[%wire]
  %q2 = quantum.extract %s[0] : !quantum.reg<2>
  %d = quantum.gate "Y" on %q2
  %s0 = quantum.insert %d into %s[0] : !quantum.reg<2>
  %q3 = quantum.extract %s0[%wire] : !quantum.reg<2>
  // CHECK-NEXT: quantum.gate "Z" on
  // CHECK-NEXT: quantum.insert
  %e = quantum.gate "Z" on %q3
  %s1 = quantum.insert %e into %s0[%wire] : !quantum.reg<2>
  // CHECK-NEXT: scf.if
  // CHECK: quantum.gate "CNOT"
  // CHECK-NEXT: quantum.delay 1.000000e-07 on %f
  // CHECK-NEXT: quantum.delay 1.000000e-07 on %g
  // CHECK-NOT: quantum.delay
  %t = scf.if %flag -> (!quantum.reg<2>) {
    %q4 = quantum.extract %s1[0] : !quantum.reg<2>
    %q5 = quantum.extract %s1[1] : !quantum.reg<2>
    %f, %g = quantum.gate "CNOT" on %q4 ctrl(%q5)
    %h, %i = quantum.delay 1.0e-07 on %f, %g
    %s2 = quantum.insert %h into %s1[0] : !quantum.reg<2>
    %s3 = quantum.insert %i into %s2[1] : !quantum.reg<2>
    scf.yield %s3 : !quantum.reg<2>
  } else {
    scf.yield %s1 : !quantum.reg<2>
  }
  quantum.dealloc %t : !quantum.reg<2>
  func.return
}
