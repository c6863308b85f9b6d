// RUN: qjit-opt -p fuse-loops

// One loop, through which the first result passes without memory.
// CHECK-LABEL: func.func @chain
func.func @chain(%x: memref<8xf64>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %end = arith.constant 8 : index
  %a = memref.alloc() : memref<8xf64>
  // CHECK-NOT: memref.alloc
  // CHECK: %half = arith.constant 5.000000e-01 : f64
  // CHECK-NEXT: scf.for %i = %zero to %end step %one {
  // CHECK-NEXT: %v = memref.load %x[%i]
  // CHECK-NEXT: %s = arith.mulf %v, %v
  // CHECK-NEXT: %h = arith.mulf %s, %half
  // CHECK-NEXT: memref.store %h, %x[%i]
  // CHECK-NEXT: }
  // CHECK-NEXT: func.return
  scf.for %i = %zero to %end step %one {
    %v = memref.load %x[%i] : memref<8xf64>
    %s = arith.mulf %v, %v : f64
    memref.store %s, %a[%i] : memref<8xf64>
  }
  %half = arith.constant 5.000000e-01 : f64
  scf.for %j = %zero to %end step %one {
    %w = memref.load %a[%j] : memref<8xf64>
    %h = arith.mulf %w, %half : f64
    memref.store %h, %x[%j] : memref<8xf64>
  }
  func.return
}

// The second loop reads what other steps of the first one write.
// CHECK-LABEL: func.func @reversed
func.func @reversed(%x: memref<8xf64>, %y: memref<8xf64>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %end = arith.constant 8 : index
  %last = arith.constant 7 : index
  %a = memref.alloc() : memref<8xf64>
  // CHECK: scf.for %i
  scf.for %i = %zero to %end step %one {
    %v = memref.load %x[%i] : memref<8xf64>
    memref.store %v, %a[%i] : memref<8xf64>
  }
  // CHECK: scf.for %j
  scf.for %j = %zero to %end step %one {
    %k = arith.subi %last, %j : index
    %w = memref.load %a[%k] : memref<8xf64>
    memref.store %w, %y[%j] : memref<8xf64>
  }
  func.return
}

// What stands between two loops reads a result of the first one.
// CHECK-LABEL: func.func @between
func.func @between(%x: memref<8xf64>, %y: memref<8xf64>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %end = arith.constant 8 : index
  %a = memref.alloc() : memref<8xf64>
  // CHECK: scf.for %i
  scf.for %i = %zero to %end step %one {
    %v = memref.load %x[%i] : memref<8xf64>
    memref.store %v, %a[%i] : memref<8xf64>
  }
  %f = memref.load %a[%one] : memref<8xf64>
  // CHECK: scf.for %j
  scf.for %j = %zero to %end step %one {
    %w = memref.load %a[%j] : memref<8xf64>
    %d = arith.divf %w, %f : f64
    memref.store %d, %y[%j] : memref<8xf64>
  }
  func.return
}

// Two arguments may be the same buffer.
// CHECK-LABEL: func.func @arguments
func.func @arguments(%x: memref<8xf64>, %y: memref<8xf64>, %z: memref<8xf64>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %end = arith.constant 8 : index
  // CHECK: scf.for %i
  scf.for %i = %zero to %end step %one {
    %v = memref.load %x[%i] : memref<8xf64>
    memref.store %v, %y[%i] : memref<8xf64>
  }
  // CHECK: scf.for %j
  scf.for %j = %zero to %end step %one {
    %w = memref.load %x[%j] : memref<8xf64>
    memref.store %w, %z[%j] : memref<8xf64>
  }
  func.return
}

// Of two axes, and where a function is called in one of the loops only.
// CHECK-LABEL: func.func @axes
func.func @axes(%x: memref<4x8xf64>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %four = arith.constant 4 : index
  %end = arith.constant 8 : index
  %a = memref.alloc() : memref<4x8xf64>
  %b = memref.alloc() : memref<4x8xf64>
  // CHECK: scf.for %i
  // CHECK-NEXT: scf.for %j
  // CHECK-NEXT: memref.load %x
  // CHECK-NEXT: memref.store
  // CHECK-NEXT: memref.store
  // CHECK-NEXT: }
  // CHECK-NEXT: }
  scf.for %i = %zero to %four step %one {
    scf.for %j = %zero to %end step %one {
      %v = memref.load %x[%i, %j] : memref<4x8xf64>
      memref.store %v, %a[%i, %j] : memref<4x8xf64>
    }
  }
  scf.for %i = %zero to %four step %one {
    scf.for %j = %zero to %end step %one {
      %v = memref.load %a[%i, %j] : memref<4x8xf64>
      memref.store %v, %b[%i, %j] : memref<4x8xf64>
    }
  }
  // CHECK-NEXT: scf.for %k
  // CHECK-NEXT: scf.for %l
  scf.for %k = %zero to %four step %one {
    scf.for %l = %zero to %end step %one {
      %v = memref.load %b[%k, %l] : memref<4x8xf64>
      %s = math.sin %v : f64
      memref.store %s, %a[%k, %l] : memref<4x8xf64>
    }
  }
  "memref.copy"(%a, %x) : (memref<4x8xf64>, memref<4x8xf64>) -> ()
  "memref.copy"(%b, %x) : (memref<4x8xf64>, memref<4x8xf64>) -> ()
  func.return
}
