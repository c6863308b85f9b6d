/* A state-vector simulator as a device of qjit, in one file:

       cc -shared -fPIC -O2 -I $(python -c "from qjit.runtime import abi;
           print(abi.include_directory())") toy_simulator.c -o libtoy.so -lm */

#include "qjit_device.h"

#include <complex.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef double complex amplitude;

struct qjit_device {
    int num_qubits;
    uint64_t random;
    amplitude *state;
    char error[128];
};

enum { RX, RY, RZ, X, PHASE_SHIFT, GLOBAL_PHASE, NUM_GATES };

static const qjit_gate_kind gates[NUM_GATES] = {
    {"RX", 1, 1}, {"RY", 1, 1},         {"RZ", 1, 1},
    {"X", 0, 1},  {"PhaseShift", 1, 1}, {"GlobalPhase", 1, 0},
};

static int32_t fail(qjit_device *device, const char *text) {
    snprintf(device->error, sizeof device->error, "%s", text);
    return 1;
}

/* The bit of a qubit in an index: qubit 0 is the most significant one. */
static uint64_t bit_of(const qjit_device *device, int32_t qubit) {
    return (uint64_t)1 << (device->num_qubits - 1 - qubit);
}

static double uniform(qjit_device *device) {
    uint64_t x = device->random += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return (double)((x ^ (x >> 31)) >> 11) / 9007199254740992.0;
}

static qjit_device *create(const char *configuration, uint64_t num_qubits, uint64_t seed,
                           char *error, uint64_t error_size) {
    if (strstr(configuration, "broken") != NULL) {
        snprintf(error, error_size, "its configuration says that it is broken");
        return NULL;
    }
    qjit_device *device = calloc(1, sizeof *device);
    if (device != NULL) {
        device->state = calloc((size_t)1 << num_qubits, sizeof(amplitude));
    }
    if (device == NULL || device->state == NULL) {
        free(device);
        snprintf(error, error_size, "it has too little memory");
        return NULL;
    }
    device->num_qubits = (int)num_qubits;
    device->random = seed;
    device->state[0] = 1.0;
    return device;
}

static void destroy(qjit_device *device) {
    free(device->state);
    free(device);
}

static const char *last_error(const qjit_device *device) { return device->error; }

/* The two by two matrix of a gate, its rows one after the other. */
static int matrix_of(const qjit_gate *gate, amplitude m[4]) {
    double t = gate->num_parameters > 0 ? gate->parameters[0] : 0.0;
    double c = cos(t / 2), s = sin(t / 2);
    t = gate->adjoint ? -t : t;
    s = gate->adjoint ? -s : s;
    m[0] = m[1] = m[2] = m[3] = 0.0;
    switch (gate->kind) {
    case RX: m[0] = m[3] = c; m[1] = m[2] = -I * s; return 1;
    case RY: m[0] = m[3] = c; m[1] = -s; m[2] = s; return 1;
    case RZ: m[0] = c - I * s; m[3] = c + I * s; return 1;
    case X: m[1] = m[2] = 1.0; return 1;
    case PHASE_SHIFT: m[0] = 1.0; m[3] = cexp(I * t); return 1;
    case GLOBAL_PHASE: m[0] = m[3] = cexp(-I * t); return 1;
    default: return 0;
    }
}

static int32_t apply_gate(qjit_device *device, const qjit_gate *gate) {
    amplitude m[4];
    uint64_t mask = 0, wanted = 0, size = (uint64_t)1 << device->num_qubits;
    if (!matrix_of(gate, m)) {
        return fail(device, "it has no such gate");
    }
    for (uint32_t n = 0; n < gate->num_controls; n++) {
        uint64_t bit = bit_of(device, gate->controls[n]);
        mask |= bit;
        wanted |= gate->control_values[n] ? bit : 0;
    }
    uint64_t target = gate->num_targets > 0 ? bit_of(device, gate->targets[0]) : 0;
    for (uint64_t low = 0; low < size; low++) {
        if ((low & mask) != wanted || (low & target) != 0) {
            continue;
        }
        amplitude a = device->state[low], b = device->state[low | target];
        device->state[low | target] = m[2] * a + m[3] * b;
        if (target == 0) {
            device->state[low] = m[0] * a;
        } else {
            device->state[low] = m[0] * a + m[1] * b;
        }
    }
    return QJIT_DEVICE_OK;
}

static uint64_t draw(qjit_device *device) {
    uint64_t index = 0, last = ((uint64_t)1 << device->num_qubits) - 1;
    double left = uniform(device);
    while (index < last) {
        double size = cabs(device->state[index]);
        left -= size * size;
        if (left < 0) {
            break;
        }
        index++;
    }
    return index;
}

static int32_t sample(qjit_device *device, uint64_t shots, const int32_t *qubits,
                      uint64_t num_qubits, uint8_t *bits) {
    for (uint64_t shot = 0; shot < shots; shot++) {
        uint64_t outcome = draw(device);
        for (uint64_t n = 0; n < num_qubits; n++) {
            *bits++ = (outcome & bit_of(device, qubits[n])) != 0;
        }
    }
    return QJIT_DEVICE_OK;
}

static int32_t measure(qjit_device *device, int32_t qubit, uint8_t *outcome) {
    uint64_t bit = bit_of(device, qubit), size = (uint64_t)1 << device->num_qubits;
    uint64_t wanted = draw(device) & bit;
    double norm = 0;
    for (uint64_t n = 0; n < size; n++) {
        if ((n & bit) != wanted) {
            device->state[n] = 0;
        }
        norm += creal(device->state[n] * conj(device->state[n]));
    }
    for (uint64_t n = 0; n < size; n++) {
        device->state[n] /= sqrt(norm);
    }
    *outcome = wanted != 0;
    return QJIT_DEVICE_OK;
}

static int32_t reset(qjit_device *device, int32_t qubit) {
    uint8_t outcome;
    qjit_gate flip = {X, 0, 0, 1, 0, 0, NULL, &qubit, NULL, NULL};
    int32_t status = measure(device, qubit, &outcome);
    return status == QJIT_DEVICE_OK && outcome ? apply_gate(device, &flip) : status;
}

static int32_t amplitudes(qjit_device *device, double *out) {
    memcpy(out, device->state, sizeof(amplitude) << device->num_qubits);
    return QJIT_DEVICE_OK;
}

static const qjit_device_api api = {
    QJIT_DEVICE_ABI_VERSION, sizeof(qjit_device_api), "toy simulator",
    QJIT_DEVICE_MODIFIERS,   24,                      NUM_GATES,
    0,                       gates,                   create,
    destroy,                 last_error,              apply_gate,
    sample,                  measure,                 reset,
    amplitudes,
};

const qjit_device_api *qjit_device_table(uint32_t abi_version) {
    return abi_version == QJIT_DEVICE_ABI_VERSION ? &api : NULL;
}
