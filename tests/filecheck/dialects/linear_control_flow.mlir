// RUN: qjit-opt | qjit-opt
// RUN: qjit-opt --print-op-generic | qjit-opt

// CHECK-LABEL: func.func @control_flow
func.func @control_flow(%b: i1, %n: index, %one: index) {
  %r = quantum.alloc : !quantum.reg<2>
  // CHECK: scf.for %i = %n to %n step %one iter_args(%s = %r) -> (!quantum.reg<2>)
  %r1 = scf.for %i = %n to %n step %one iter_args(%s = %r) -> (!quantum.reg<2>) {
    %w = arith.index_cast %i : index to i64
    %q = quantum.extract %s[%w] : !quantum.reg<2>
    %p = quantum.gate "H" on %q
    %s1 = quantum.insert %p into %s[%w] : !quantum.reg<2>
    scf.yield %s1 : !quantum.reg<2>
  }
  // CHECK: scf.if %b -> (!quantum.reg<2>)
  %r2 = scf.if %b -> (!quantum.reg<2>) {
    %q = quantum.extract %r1[0] : !quantum.reg<2>
    %p = quantum.gate "X" on %q
    %s = quantum.insert %p into %r1[0] : !quantum.reg<2>
    scf.yield %s : !quantum.reg<2>
  } else {
    scf.yield %r1 : !quantum.reg<2>
  }
  // CHECK: scf.while (%{{.*}} = %r2) : (!quantum.reg<2>) -> !quantum.reg<2>
  %r3 = scf.while (%s = %r2) : (!quantum.reg<2>) -> (!quantum.reg<2>) {
    scf.condition(%b) %s : !quantum.reg<2>
  } do {
  ^bb0(%s: !quantum.reg<2>):
    scf.yield %s : !quantum.reg<2>
  }
  quantum.dealloc %r3 : !quantum.reg<2>
  func.return
}
