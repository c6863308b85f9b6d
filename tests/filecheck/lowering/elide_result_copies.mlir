// RUN: qjit-opt -p elide-result-copies

// A buffer that is copied to a result is made there; one that is copied twice, once;
// and one that changes after it was copied is copied.
// CHECK-LABEL: func.func @program
func.func @program(%a: memref<2xf64>, %b: memref<2xf64>, %c: memref<2xf64>) {
  // CHECK-NEXT: %zero =
  // CHECK-NEXT: %one =
  // CHECK-NEXT: %y = memref.alloc
  // CHECK-NEXT: memref.store %one, %a
  // CHECK-NEXT: "memref.copy"(%a, %b)
  // CHECK-NEXT: "memref.copy"(%y, %c)
  // CHECK-NEXT: memref.store %one, %y
  // CHECK-NEXT: func.return
  %zero = arith.constant 0 : index
  %one = arith.constant 1.0 : f64
  %x = memref.alloc() : memref<2xf64>
  %y = memref.alloc() : memref<2xf64>
  memref.store %one, %x[%zero] : memref<2xf64>
  "memref.copy"(%x, %a) : (memref<2xf64>, memref<2xf64>) -> ()
  "memref.copy"(%x, %b) : (memref<2xf64>, memref<2xf64>) -> ()
  "memref.copy"(%y, %c) : (memref<2xf64>, memref<2xf64>) -> ()
  memref.store %one, %y[%zero] : memref<2xf64>
  func.return
}

// Another function's result may be its argument too.
// CHECK-LABEL: func.func @called
func.func @called(%a: memref<2xf64>) {
  // CHECK-NEXT: memref.alloc
  // CHECK-NEXT: "memref.copy"
  %x = memref.alloc() : memref<2xf64>
  "memref.copy"(%x, %a) : (memref<2xf64>, memref<2xf64>) -> ()
  func.return
}
