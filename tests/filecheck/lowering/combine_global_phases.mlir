// RUN: qjit-opt -p combine-global-phases

// CHECK-LABEL: func.func @sums
func.func @sums(%t: f64) {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  %x = arith.constant 0.25 : f64
  // CHECK: quantum.gate "T"
  %a = quantum.gate "GlobalPhase"(%x) on %q0
  %b = quantum.gate "GlobalPhase"(%t) ctrl(%a)
  %c = quantum.gate "T" on %b
  // CHECK: quantum.gate "GlobalPhase"(%{{.*}}) ctrl(%{{.*}})
  // CHECK-NEXT: quantum.gate "H"
  %d = quantum.gate "GlobalPhase"(%t) ctrl(%c)
  %e = quantum.gate "H" on %d
  %f = quantum.gate "GlobalPhase"(%t) on %q1
  // CHECK: arith.addf
  // CHECK-NEXT: quantum.gate "GlobalPhase"
  // CHECK-NEXT: quantum.insert
  %ra = quantum.insert %e into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %f into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return
}

// CHECK-LABEL: func.func @full_turns
func.func @full_turns(%t: f64) {
  %r = quantum.alloc : !quantum.reg<1>
  %q0 = quantum.extract %r[0] : !quantum.reg<1>
  %pi = arith.constant 3.141592653589793 : f64
  // CHECK-NOT: quantum.gate
  %a = quantum.gate "GlobalPhase"(%pi) on %q0
  %b = quantum.gate "GlobalPhase"(%t) on %a
  %c = quantum.gate "GlobalPhase"(%pi) on %b
  %d = quantum.gate "GlobalPhase"(%t) adjoint on %c
  // CHECK: quantum.insert %q0
  %rz = quantum.insert %d into %r[0] : !quantum.reg<1>
  quantum.dealloc %rz : !quantum.reg<1>
  func.return
}
