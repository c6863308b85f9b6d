// RUN: qjit-opt -p unroll-loops

// CHECK-LABEL: func.func @counted
func.func @counted() {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %two = arith.constant 2 : index
  // CHECK: quantum.alloc
  %r = quantum.alloc : !quantum.reg<3>
  // CHECK-NOT: scf.for
  // CHECK: quantum.extract %{{.*}}[0]
  // CHECK: quantum.extract %{{.*}}[1]
  // CHECK: "CNOT"
  // CHECK: quantum.extract %{{.*}}[2]
  // CHECK: "CNOT"
  // CHECK: quantum.dealloc
  %s = scf.for %i = %zero to %two step %one iter_args(%t = %r) -> (!quantum.reg<3>) {
    %next = arith.addi %i, %one : index
    %here = arith.index_cast %i : index to i64
    %there = arith.index_cast %next : index to i64
    %q0 = quantum.extract %t[%here] : !quantum.reg<3>
    %q1 = quantum.extract %t[%there] : !quantum.reg<3>
    %a, %b = quantum.gate "CNOT" on %q1 ctrl(%q0)
    %r0 = quantum.insert %b into %t[%here] : !quantum.reg<3>
    %r1 = quantum.insert %a into %r0[%there] : !quantum.reg<3>
    scf.yield %r1 : !quantum.reg<3>
  }
  quantum.dealloc %s : !quantum.reg<3>
  func.return
}

// CHECK-LABEL: func.func @unknown
func.func @unknown(%high: index) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %r = quantum.alloc : !quantum.reg<1>
  // CHECK: scf.for
  %s = scf.for %i = %zero to %high step %one iter_args(%t = %r) -> (!quantum.reg<1>) {
    %q = quantum.extract %t[0] : !quantum.reg<1>
    %a = quantum.gate "H" on %q
    %r0 = quantum.insert %a into %t[0] : !quantum.reg<1>
    scf.yield %r0 : !quantum.reg<1>
  }
  quantum.dealloc %s : !quantum.reg<1>
  func.return
}
