// RUN: qjit-opt -p clifford-t{epsilon=1e-1}

// CHECK-LABEL: func.func @toffoli
func.func @toffoli() {
  %r = quantum.alloc : !quantum.reg<3>
  %q0 = quantum.extract %r[0] : !quantum.reg<3>
  %q1 = quantum.extract %r[1] : !quantum.reg<3>
  %q2 = quantum.extract %r[2] : !quantum.reg<3>
  %h0 = quantum.gate "H" on %q0
  %h1 = quantum.gate "H" on %q1
  %angle = arith.constant 0.7 : f64
  %h2 = quantum.gate "RX"(%angle) on %q2
  // CHECK-NOT: "Toffoli"
  // CHECK-NOT: "RX"
  // CHECK-COUNT-8: "T"
  // CHECK: quantum.insert
  %t2, %t0, %t1 = quantum.gate "Toffoli" on %h2 ctrl(%h0, %h1)
  %r0 = quantum.insert %t0 into %r[0] : !quantum.reg<3>
  %r1 = quantum.insert %t1 into %r0[1] : !quantum.reg<3>
  %r2 = quantum.insert %t2 into %r1[2] : !quantum.reg<3>
  quantum.dealloc %r2 : !quantum.reg<3>
  func.return
}

// CHECK-LABEL: func.func @at_run_time
func.func @at_run_time(%t: f64) {
  // CHECK: %[[PHASE:.*]] = memref.alloc
  // CHECK: %[[CODES:.*]] = memref.alloc
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  %h0 = quantum.gate "H" on %q0
  // CHECK: %[[HALF:.*]], %[[OTHER:.*]] = quantum.gate "CNOT"
  %h1, %g0 = quantum.gate "CNOT" on %q1 ctrl(%h0)
  // CHECK: memref.store %t
  // CHECK: host.call "clifford-t"
  // CHECK: %[[A:.*]] = quantum.insert
  // CHECK: %[[WHOLE:.*]] = quantum.insert %{{.*}} into %[[A]]
  // CHECK: %[[LOOP:.*]] = scf.for %{{.*}} iter_args(%[[REG:.*]] = %[[WHOLE]])
  // CHECK: scf.index_switch
  // CHECK: quantum.gate "H"
  // CHECK: scf.yield
  // CHECK: quantum.gate "S"
  // CHECK: scf.yield
  // CHECK: quantum.extract %[[LOOP]]
  // CHECK: "GlobalPhase"
  %a0 = quantum.gate "RZ"(%t) on %g0
  // CHECK: quantum.extract %[[LOOP]]
  // CHECK: "CNOT"
  // CHECK: quantum.dealloc
  %b1, %b0 = quantum.gate "CNOT" on %h1 ctrl(%a0)
  %s = quantum.insert %b0 into %r[0] : !quantum.reg<2>
  %u = quantum.insert %b1 into %s[1] : !quantum.reg<2>
  quantum.dealloc %u : !quantum.reg<2>
  func.return
}
