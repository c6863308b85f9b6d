/* A device for tests, which fails where its configuration says so, and counts. */

#include "qjit_device.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef VERSION
#define VERSION QJIT_DEVICE_ABI_VERSION
#endif
#ifndef SIZE
#define SIZE sizeof(qjit_device_api)
#endif
#ifndef SAMPLE
#define SAMPLE sample
#endif
#ifndef MEASURE
#define MEASURE measure
#endif
#ifndef GATE
#define GATE {"RX", 1, 1}
#endif
#ifndef FLAGS
#define FLAGS 0
#endif

int live = 0;
int created = 0;

struct qjit_device {
    char fails[64];
    char error[64];
};

static int32_t check(qjit_device *device, const char *function) {
    if (strstr(device->fails, function) == NULL) {
        return QJIT_DEVICE_OK;
    }
    snprintf(device->error, sizeof device->error, "no %s today", function);
    return 7;
}

static qjit_device *create(const char *configuration, uint64_t num_qubits, uint64_t seed,
                           char *error, uint64_t error_size) {
    (void)num_qubits, (void)seed;
    if (strstr(configuration, "create") != NULL) {
        snprintf(error, error_size, "the cryostat is warm");
        return NULL;
    }
    qjit_device *device = calloc(1, sizeof *device);
    snprintf(device->fails, sizeof device->fails, "%s", configuration);
    __atomic_add_fetch(&live, 1, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&created, 1, __ATOMIC_SEQ_CST);
    return device;
}

static void destroy(qjit_device *device) {
    __atomic_sub_fetch(&live, 1, __ATOMIC_SEQ_CST);
    free(device);
}

static const char *last_error(const qjit_device *device) { return device->error; }

static int32_t apply_gate(qjit_device *device, const qjit_gate *gate) {
    (void)gate;
    return check(device, "gate");
}

static inline int32_t sample(qjit_device *device, uint64_t shots, const int32_t *qubits,
                             uint64_t num_qubits, uint8_t *bits) {
    (void)qubits;
    memset(bits, 0, shots * num_qubits);
    return check(device, "sample");
}

static inline int32_t measure(qjit_device *device, int32_t qubit, uint8_t *outcome) {
    (void)qubit;
    *outcome = 0;
    return check(device, "measure");
}

static int32_t reset(qjit_device *device, int32_t qubit) {
    (void)qubit;
    return check(device, "reset");
}

static int32_t amplitudes(qjit_device *device, double *out) {
    out[0] = 1;
    return check(device, "amplitudes");
}

static const qjit_gate_kind gates[] = {GATE, {"CNOT", 0, 2}, {"RZ", 1, 1}};

static const qjit_device_api api = {
    VERSION,    SIZE,   "faulty",   FLAGS,   4,       3,     0,         gates,
    create,     destroy, last_error, apply_gate, SAMPLE, MEASURE, reset, amplitudes,
};

const qjit_device_api *qjit_device_table(uint32_t abi_version) {
#ifdef UNKNOWN
    (void)api;
    return NULL;
#endif
    return abi_version == QJIT_DEVICE_ABI_VERSION ? &api : NULL;
}
