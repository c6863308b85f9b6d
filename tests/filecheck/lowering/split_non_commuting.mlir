// RUN: qjit-opt -p split-non-commuting

// Z and ZZ are measured in one run, X in another one; results are added up.
// CHECK-LABEL: func.func @two_runs
func.func @two_runs(%x: f64, %w: memref<3xf64>) -> f64 {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  // CHECK: quantum.gate "RX"(%x)
  %a = quantum.gate "RX"(%x) on %q0
  %s = quantum.insert %a into %r[0] : !quantum.reg<2>
  // CHECK: %[[ONE:.*]] = quantum.expval %{{.*}} [#quantum.term<"ZI", []>, #quantum.term<"ZZ", []>]
  // CHECK-NEXT: quantum.dealloc
  // CHECK: quantum.alloc
  // CHECK: quantum.gate "RX"(%x)
  // CHECK: %[[TWO:.*]] = quantum.expval %{{.*}} [#quantum.term<"XI", []>]
  // CHECK-NEXT: quantum.dealloc
  // CHECK-NEXT: arith.addf %[[ONE]], %[[TWO]]
  %v = quantum.expval %s of %w [#quantum.term<"ZI", []>, #quantum.term<"ZZ", []>, #quantum.term<"XI", []>] : !quantum.reg<2>, memref<3xf64>
  quantum.dealloc %s : !quantum.reg<2>
  func.return %v : f64
}

// CHECK-LABEL: func.func @one_run
func.func @one_run(%w: memref<2xf64>) -> f64 {
  %r = quantum.alloc : !quantum.reg<2>
  // CHECK: quantum.var %r of %w
  // CHECK-NOT: quantum.alloc
  %v = quantum.var %r of %w [#quantum.term<"ZI", []>, #quantum.term<"IX", []>] : !quantum.reg<2>, memref<2xf64>
  quantum.dealloc %r : !quantum.reg<2>
  func.return %v : f64
}

// A parity of two wires is not measured along with X on one of them, though the bits
// are of other wires.
// CHECK-LABEL: func.func @parity
func.func @parity(%p: memref<2xf64>, %q: memref<2xf64>) {
  %r = quantum.alloc : !quantum.reg<2>
  // CHECK: quantum.gate "CNOT"
  // CHECK: quantum.probs %{{.*}} [1]
  // CHECK: quantum.dealloc
  // CHECK: quantum.alloc
  // CHECK: quantum.gate "H"
  // CHECK: quantum.probs %{{.*}} [0]
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  %a1, %a0 = quantum.gate "CNOT" on %q1 ctrl(%q0)
  %s0 = quantum.insert %a0 into %r[0] : !quantum.reg<2>
  %s = quantum.insert %a1 into %s0[1] : !quantum.reg<2>
  quantum.probs %s [1] into %p : !quantum.reg<2>, memref<2xf64>
  %b0 = quantum.extract %s[0] : !quantum.reg<2>
  %b1 = quantum.extract %s[1] : !quantum.reg<2>
  %c1, %c0 = quantum.gate "CNOT" on %b1 ctrl(%b0)
  %h = quantum.gate "H" on %c0
  %t0 = quantum.insert %h into %s[0] : !quantum.reg<2>
  %t = quantum.insert %c1 into %t0[1] : !quantum.reg<2>
  quantum.probs %t [0] into %q : !quantum.reg<2>, memref<2xf64>
  %d0 = quantum.extract %t[0] : !quantum.reg<2>
  %e = quantum.gate "H" on %d0
  %u = quantum.insert %e into %t[0] : !quantum.reg<2>
  quantum.dealloc %u : !quantum.reg<2>
  func.return
}

// Controls that fire on other values make other bases.
// CHECK-LABEL: func.func @control_values
func.func @control_values(%p: memref<8xf64>, %q: memref<8xf64>) {
  // CHECK: quantum.alloc
  // CHECK: quantum.probs
  // CHECK: quantum.alloc
  // CHECK: quantum.probs
  %r = quantum.alloc : !quantum.reg<3>
  %a0 = quantum.extract %r[0] : !quantum.reg<3>
  %a1 = quantum.extract %r[1] : !quantum.reg<3>
  %a2 = quantum.extract %r[2] : !quantum.reg<3>
  %b2, %b0, %b1 = quantum.gate "H" on %a2 ctrl(%a0, %a1) values [0, 1]
  %s0 = quantum.insert %b0 into %r[0] : !quantum.reg<3>
  %s1 = quantum.insert %b1 into %s0[1] : !quantum.reg<3>
  %s2 = quantum.insert %b2 into %s1[2] : !quantum.reg<3>
  quantum.probs %s2 into %p : !quantum.reg<3>, memref<8xf64>
  %c0 = quantum.extract %s2[0] : !quantum.reg<3>
  %c1 = quantum.extract %s2[1] : !quantum.reg<3>
  %c2 = quantum.extract %s2[2] : !quantum.reg<3>
  %d2, %d0, %d1 = quantum.gate "H" on %c2 ctrl(%c0, %c1) values [0, 1]
  %e2, %e0, %e1 = quantum.gate "H" on %d2 ctrl(%d0, %d1) values [1, 0]
  %t0 = quantum.insert %e0 into %s2[0] : !quantum.reg<3>
  %t1 = quantum.insert %e1 into %t0[1] : !quantum.reg<3>
  %t2 = quantum.insert %e2 into %t1[2] : !quantum.reg<3>
  quantum.probs %t2 into %q : !quantum.reg<3>, memref<8xf64>
  %f0 = quantum.extract %t2[0] : !quantum.reg<3>
  %f1 = quantum.extract %t2[1] : !quantum.reg<3>
  %f2 = quantum.extract %t2[2] : !quantum.reg<3>
  %g2, %g0, %g1 = quantum.gate "H" on %f2 ctrl(%f0, %f1) values [1, 0]
  %u0 = quantum.insert %g0 into %t2[0] : !quantum.reg<3>
  %u1 = quantum.insert %g1 into %u0[1] : !quantum.reg<3>
  %u2 = quantum.insert %g2 into %u1[2] : !quantum.reg<3>
  quantum.dealloc %u2 : !quantum.reg<3>
  func.return
}
