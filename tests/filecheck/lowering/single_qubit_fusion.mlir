// RUN: qjit-opt -p single-qubit-fusion

// CHECK-LABEL: func.func @known
func.func @known() {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: %[[HALF:.*]] = arith.constant 1.5707963267948966 : f64
  // CHECK-NEXT: %[[P:.*]] = quantum.gate "PhaseShift"(%[[HALF]]) on %q0
  %a = quantum.gate "T" on %q0
  %b = quantum.gate "T" on %a
  %c = quantum.gate "H" on %q1
  %d = quantum.gate "S" on %c
  %e = quantum.gate "H" on %d
  // CHECK-NEXT: %[[X:.*]] = quantum.gate "RX"(%[[HALF]]) on %q1
  // CHECK-NEXT: %[[PHASE:.*]] = arith.constant -0.78539816339744828 : f64
  // CHECK-NEXT: quantum.gate "GlobalPhase"(%[[PHASE]])
  // CHECK-NEXT: quantum.insert
  %ra = quantum.insert %b into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %e into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}

// CHECK-LABEL: func.func @at_run_time
func.func @at_run_time(%t: f64, %u: f64) {
  %r = quantum.alloc : !quantum.reg<1>
  %q = quantum.extract %r[0] : !quantum.reg<1>
  // CHECK: %[[SUM:.*]] = arith.addf %t, %u : f64
  // CHECK-NEXT: %[[X:.*]] = quantum.gate "RX"(%[[SUM]]) on %q
  // CHECK-NEXT: quantum.insert %[[X]]
  %a = quantum.gate "H" on %q
  %b = quantum.gate "RZ"(%t) on %a
  %c = quantum.gate "H" on %b
  %d = quantum.gate "RX"(%u) on %c
  %rz = quantum.insert %d into %r[0] : !quantum.reg<1>
  quantum.dealloc %rz : !quantum.reg<1>
  func.return
}
