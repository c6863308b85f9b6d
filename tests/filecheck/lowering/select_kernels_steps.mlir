// Each step of planning, left out of the same circuits.
// RUN: qjit-opt -p build-schedules,select-kernels | filecheck --check-prefixes=ANY,ALL
// RUN: QJIT_WITHOUT=merging qjit-opt -p build-schedules,select-kernels | filecheck --check-prefixes=ANY,MERGING
// RUN: QJIT_WITHOUT=permutations qjit-opt -p build-schedules,select-kernels | filecheck --check-prefixes=ANY,PERMUTATIONS
// RUN: QJIT_WITHOUT=diagonals qjit-opt -p build-schedules,select-kernels | filecheck --check-prefixes=ANY,DIAGONALS
// RUN: QJIT_WITHOUT=reordering qjit-opt -p build-schedules,select-kernels | filecheck --check-prefixes=ANY,REORDERING
// RUN: QJIT_WITHOUT=registers qjit-opt -p build-schedules,select-kernels | filecheck --check-prefixes=ANY,REGISTERS
// RUN: QJIT_WITHOUT=tiles qjit-opt -p build-schedules,select-kernels | filecheck --check-prefixes=ANY,TILES
// RUN: QJIT_WITHOUT=kernels qjit-opt -p build-schedules,select-kernels | filecheck --check-prefixes=ANY,KERNELS

// ANY-LABEL: func.func @layer
func.func @layer(%x: f64) {
  %r = quantum.alloc : !quantum.reg<9>
  %a = quantum.extract %r[0] : !quantum.reg<9>
  %b = quantum.extract %r[1] : !quantum.reg<9>
  %c = quantum.extract %r[2] : !quantum.reg<9>
  %d = quantum.extract %r[3] : !quantum.reg<9>
  %a1 = quantum.gate "RX"(%x) on %a
  %a2 = quantum.gate "RY"(%x) on %a1
  %b1, %a3 = quantum.gate "CNOT" on %b ctrl(%a2)
  %c1 = quantum.gate "RZ"(%x) on %c
  %b2 = quantum.gate "RX"(%x) on %b1
  %c2 = quantum.gate "RX"(%x) on %c1
  %d1 = quantum.gate "RX"(%x) on %d
  %b3 = quantum.gate "RY"(%x) on %b2
  %d2, %c3 = quantum.gate "RX"(%x) on %d1 ctrl(%c2)
  %r1 = quantum.insert %a3 into %r[0] : !quantum.reg<9>
  %r2 = quantum.insert %b3 into %r1[1] : !quantum.reg<9>
  %r3 = quantum.insert %c3 into %r2[2] : !quantum.reg<9>
  %r4 = quantum.insert %d2 into %r3[3] : !quantum.reg<9>
  // ANY: statevector.schedule
  // ALL: } kernel ["RX RY on 100000000; RZ as 1 + N by 001000000; RX on 001000000; RX on 000100000; RX on 000100000 if 1001000000", "RX RY on 010000000", "move amplitudes"]
  // TILES: } kernel ["RX RY on 100000000; RZ as 1 + N by 001000000; RX on 001000000; RX on 000100000; RX on 000100000 if 1001000000", "RX RY on 010000000", "move amplitudes"]
  // MERGING: } kernel ["RX on 100000000; RY on 100000000; RX on 010000000;
  // PERMUTATIONS: } kernel ["RX RY on 100000000; CNOT on 010000000 if 1100000000;
  // DIAGONALS: } kernel ["RX RY on 100000000; RZ by 001000000;
  // REORDERING: } kernel [{{.*}}, "RX RY on 010000000; RX on 000100000 if 1001000000", "move amplitudes"]
  // REGISTERS: } kernel ["RX RY on 100000000", "RZ as 1 + N by 001000000; RX on 001000000", "RX on 000100000;
  // KERNELS-NOT: kernel
  quantum.dealloc %r4 : !quantum.reg<9>
  func.return
}

// ANY-LABEL: func.func @large
func.func @large(%x: f64) {
  %r = quantum.alloc : !quantum.reg<24>
  %a = quantum.extract %r[0] : !quantum.reg<24>
  %a1 = quantum.gate "RX"(%x) on %a
  %r1 = quantum.insert %a1 into %r[0] : !quantum.reg<24>
  // ANY: statevector.schedule
  // ALL: } kernel ["tiles of
  // TILES-NOT: kernel
  // KERNELS-NOT: kernel
  quantum.dealloc %r1 : !quantum.reg<24>
  func.return
}
