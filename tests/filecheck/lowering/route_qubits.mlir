// RUN: qjit-opt -p route-qubits{coupling=line}

// The qubit with gates to both others is in the middle.
// CHECK-LABEL: func.func @layout
func.func @layout() {
  // CHECK: %r = quantum.alloc {vertices = array<i64: 0, 1, 2>, initial_layout = array<i64: 1, 0, 2>} : !quantum.reg<3>
  %r = quantum.alloc : !quantum.reg<3>
  %q0 = quantum.extract %r[0] : !quantum.reg<3>
  %q1 = quantum.extract %r[1] : !quantum.reg<3>
  %q2 = quantum.extract %r[2] : !quantum.reg<3>
  // CHECK-NEXT: %[[A:.*]] = quantum.extract %r[0]
  // CHECK-NEXT: %[[B:.*]] = quantum.extract %r[1]
  // CHECK-NEXT: quantum.gate "CNOT" on %[[A]] ctrl(%[[B]])
  // CHECK-NOT: "SWAP"
  // CHECK: quantum.dealloc %{{.*}} {final_layout = array<i64: 1, 0, 2>}
  %a, %b = quantum.gate "CNOT" on %q1 ctrl(%q0)
  %c, %d = quantum.gate "CNOT" on %q2 ctrl(%b)
  %r0 = quantum.insert %d into %r[0] : !quantum.reg<3>
  %r1 = quantum.insert %a into %r0[1] : !quantum.reg<3>
  %r2 = quantum.insert %c into %r1[2] : !quantum.reg<3>
  quantum.dealloc %r2 : !quantum.reg<3>
  func.return
}

// Three gates between three qubits take a SWAP, which is not undone.
// CHECK-LABEL: func.func @swap
func.func @swap() {
  %r = quantum.alloc : !quantum.reg<3>
  %q0 = quantum.extract %r[0] : !quantum.reg<3>
  %q1 = quantum.extract %r[1] : !quantum.reg<3>
  %q2 = quantum.extract %r[2] : !quantum.reg<3>
  // CHECK: "CNOT"
  %a, %b = quantum.gate "CNOT" on %q1 ctrl(%q0)
  // CHECK-COUNT-1: "SWAP"
  // CHECK-NOT: "SWAP"
  %c, %d = quantum.gate "CNOT" on %q2 ctrl(%a)
  %e, %f = quantum.gate "CNOT" on %b ctrl(%c)
  %r0 = quantum.insert %e into %r[0] : !quantum.reg<3>
  %r1 = quantum.insert %d into %r0[1] : !quantum.reg<3>
  %r2 = quantum.insert %f into %r1[2] : !quantum.reg<3>
  quantum.dealloc %r2 : !quantum.reg<3>
  func.return
}

// SWAPs of the program only rename qubits.
// CHECK-LABEL: func.func @renamed
func.func @renamed() {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK-NOT: "SWAP"
  // CHECK: quantum.dealloc
  %a, %b = quantum.gate "SWAP" on %q0, %q1
  %r0 = quantum.insert %a into %r[0] : !quantum.reg<2>
  %r1 = quantum.insert %b into %r0[1] : !quantum.reg<2>
  quantum.dealloc %r1 : !quantum.reg<2>
  func.return
}

// Each turn of a loop ends in the layout in which it began.
// CHECK-LABEL: func.func @loop
func.func @loop(%low: index, %high: index, %step: index) {
  %r = quantum.alloc : !quantum.reg<3>
  // CHECK: scf.for
  %s = scf.for %i = %low to %high step %step iter_args(%t = %r) -> (!quantum.reg<3>) {
    %q0 = quantum.extract %t[0] : !quantum.reg<3>
    %q1 = quantum.extract %t[1] : !quantum.reg<3>
    %q2 = quantum.extract %t[2] : !quantum.reg<3>
    // CHECK-COUNT-2: "SWAP"
    // CHECK-NOT: "SWAP"
    // CHECK: scf.yield
    %a, %b = quantum.gate "CNOT" on %q1 ctrl(%q0)
    %c, %d = quantum.gate "CNOT" on %q2 ctrl(%a)
    %e, %f = quantum.gate "CNOT" on %b ctrl(%c)
    %r0 = quantum.insert %e into %t[0] : !quantum.reg<3>
    %r1 = quantum.insert %d into %r0[1] : !quantum.reg<3>
    %r2 = quantum.insert %f into %r1[2] : !quantum.reg<3>
    scf.yield %r2 : !quantum.reg<3>
  }
  quantum.dealloc %s : !quantum.reg<3>
  func.return
}
