// RUN: qjit-opt | qjit-opt
// RUN: qjit-opt -p build-schedules | filecheck --check-prefixes=LOWERED

// CHECK-LABEL: func.func @words
// LOWERED-LABEL: func.func @words
func.func @words() -> (i1, i1) {
  %r = quantum.alloc : !quantum.reg<2>
  %q0 = quantum.extract %r[0] : !quantum.reg<2>
  %q1 = quantum.extract %r[1] : !quantum.reg<2>
  // CHECK: %m, %a, %b = quantum.pauli_measure negative "XY" on %q0, %q1 postselect 1 line 3
  // CHECK-NEXT: %n, %c = quantum.pauli_measure "Z" on %a
  // LOWERED: H on 0 line 3
  // LOWERED-NEXT: SX on 1 line 3
  // LOWERED-NEXT: CNOT on 1 ctrl 0 line 3
  // LOWERED-NEXT: X on 1 line 3
  // LOWERED: statevector.measure{{.*}}wire = 1{{.*}}postselect = 1
  // LOWERED: X on 1 line 3
  // LOWERED-NEXT: CNOT on 1 ctrl 0 line 3
  // LOWERED-NEXT: adjoint SX on 1 line 3
  // LOWERED-NEXT: H on 0 line 3
  // LOWERED: statevector.measure{{.*}}wire = 0
  %m, %a, %b = quantum.pauli_measure negative "XY" on %q0, %q1 postselect 1 line 3
  %n, %c = quantum.pauli_measure "Z" on %a
  %ra = quantum.insert %c into %r[0] : !quantum.reg<2>
  %rz = quantum.insert %b into %ra[1] : !quantum.reg<2>
  quantum.dealloc %rz : !quantum.reg<2>
  func.return %m, %n : i1, i1
}
