// RUN: qjit-opt -p decompose-gates{gates=CNOT,RZ,RY}

// CHECK-LABEL: func.func @gates
func.func @gates(%t: f64) {
  %r = quantum.alloc : !quantum.reg<3>
  %a = quantum.extract %r[0] : !quantum.reg<3>
  %b = quantum.extract %r[1] : !quantum.reg<3>
  // CHECK: %[[HALF:.*]] = arith.mulf %{{.*}}, %t : f64
  // CHECK-NEXT: %[[A0:.*]] = quantum.gate "RZ"(%[[HALF]]) on %a
  // CHECK-NEXT: %[[A1:.*]], %[[B1:.*]] = quantum.gate "CNOT" on %[[A0]] ctrl(%b)
  // CHECK: %[[MINUS:.*]] = arith.mulf %{{.*}}, %t : f64
  // CHECK-NEXT: %[[A2:.*]] = quantum.gate "RZ"(%[[MINUS]]) on %[[A1]]
  // CHECK-NEXT: %[[A3:.*]], %[[B3:.*]] = quantum.gate "CNOT" on %[[A2]] ctrl(%[[B1]])
  %a1, %b1 = quantum.gate "CRZ"(%t) on %a ctrl(%b)
  // CHECK-NEXT: %[[B4:.*]], %[[A4:.*]] = quantum.gate "CNOT" on %[[B3]] ctrl(%[[A3]])
  // CHECK-NEXT: %[[A5:.*]], %[[B5:.*]] = quantum.gate "CNOT" on %[[A4]] ctrl(%[[B4]])
  // CHECK-NEXT: %[[B6:.*]], %[[A6:.*]] = quantum.gate "CNOT" on %[[B5]] ctrl(%[[A5]])
  %a2, %b2 = quantum.gate "SWAP" adjoint on %a1, %b1
  // CHECK-NEXT: %[[A7:.*]] = quantum.gate "RZ"(%t) on %[[A6]]
  %a3 = quantum.gate "RZ"(%t) on %a2
  // CHECK-NEXT: %[[PI:.*]] = arith.constant 3.14
  // CHECK-NEXT: %[[B7:.*]] = quantum.gate "RZ"(%[[PI]]) on %[[B6]]
  // CHECK-NEXT: %[[ANGLE:.*]] = arith.constant -1.57
  // CHECK-NEXT: quantum.gate "GlobalPhase"(%[[ANGLE]]) on %[[A7]]
  %b3 = quantum.gate "Z" on %b2
  %r1 = quantum.insert %a3 into %r[0] : !quantum.reg<3>
  %r2 = quantum.insert %b3 into %r1[1] : !quantum.reg<3>
  quantum.dealloc %r2 : !quantum.reg<3>
  func.return
}
