/* Devices of qjit: simulators and controllers that compiled programs call.

   A shared library exports one function,

       const qjit_device_api *qjit_device_table(uint32_t abi_version);

   which returns a table of functions, or NULL for a version that it does not know. The
   table, and all that it points to, stays as it is while the library is loaded.

   What a program does with a device is: create, gates, measurements and resets, samples
   or amplitudes, destroy. One device is used by one thread at a time; several devices of
   a library may be in use at once, by several threads.

   Functions that return int32_t return QJIT_DEVICE_OK, or anything else where they
   failed. The program ends then, with the text of `last_error`, and destroys the device.

   Qubits are numbered from 0. A new device has all of them in |0>. */

#ifndef QJIT_DEVICE_H
#define QJIT_DEVICE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define QJIT_DEVICE_ABI_VERSION 1
#define QJIT_DEVICE_OK 0

#if defined(_WIN32)
#define QJIT_DEVICE_EXPORT __declspec(dllexport)
#else
#define QJIT_DEVICE_EXPORT __attribute__((visibility("default")))
#endif

/* Flags of a device. */

/* Its gates may be adjoint and under further controls. Without this flag they are never;
   an adjoint gate is listed then by the name "adjoint(S)". */
#define QJIT_DEVICE_MODIFIERS 1u

/* A device: whatever the library makes of it. */
typedef struct qjit_device qjit_device;

/* A kind of gate that a device has. Names and meanings are those of qjit's gates
   (docs/gates.md), and so are the numbers, which are checked when a library is loaded. */
typedef struct qjit_gate_kind {
    const char *name;
    uint32_t num_parameters;
    uint32_t num_targets;
} qjit_gate_kind;

/* A gate to apply. */
typedef struct qjit_gate {
    uint32_t kind;    /* its place among the `gates` of the table */
    uint32_t adjoint; /* 1 for the adjoint of the gate, or 0 */
    uint32_t num_parameters;
    uint32_t num_targets;
    uint32_t num_controls;
    uint32_t reserved;
    const double *parameters;      /* finite */
    const int32_t *targets;        /* distinct, and distinct from the controls */
    const int32_t *controls;
    const uint8_t *control_values; /* 1 where a control has to be |1>, 0 for |0> */
} qjit_gate;

typedef struct qjit_device_api {
    uint32_t abi_version; /* QJIT_DEVICE_ABI_VERSION */
    uint32_t struct_size; /* sizeof(qjit_device_api) */
    const char *name;     /* for messages */
    uint32_t flags;
    uint32_t max_qubits;
    uint32_t num_gates;
    uint32_t reserved;
    const qjit_gate_kind *gates;

    /* A device, or NULL with a text of at most error_size bytes, the 0 at its end among
       them, in `error`. The configuration is a JSON object: the options of qjit.device.
       Random numbers follow from the seed. */
    qjit_device *(*create)(const char *configuration, uint64_t num_qubits,
                           uint64_t seed, char *error, uint64_t error_size);

    void (*destroy)(qjit_device *device);

    /* Why the last function failed; read at once, and never freed by the caller. */
    const char *(*last_error)(const qjit_device *device);

    int32_t (*apply_gate)(qjit_device *device, const qjit_gate *gate);

    /* Outcomes of measuring some qubits in the computational basis, many times on equal
       states: bits[shot * num_qubits + place] is 0 or 1. The state stays as it was, and
       gates may follow. */
    int32_t (*sample)(qjit_device *device, uint64_t shots, const int32_t *qubits,
                      uint64_t num_qubits, uint8_t *bits);

    /* The following may be NULL. */

    /* Measure one qubit, which stays in the state of the outcome; and bring a qubit into
       |0>. A device has both or neither. */
    int32_t (*measure)(qjit_device *device, int32_t qubit, uint8_t *outcome);
    int32_t (*reset)(qjit_device *device, int32_t qubit);

    /* The 2**num_qubits amplitudes as pairs of real and imaginary part; qubit 0 is the
       most significant bit of an index. A device that has them answers without shots. */
    int32_t (*amplitudes)(qjit_device *device, double *out);
} qjit_device_api;

/* The function that a library exports. */
QJIT_DEVICE_EXPORT const qjit_device_api *qjit_device_table(uint32_t abi_version);

#ifdef __cplusplus
}
#endif

#endif
