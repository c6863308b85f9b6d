// A stabiliser simulator as a device of qjit: Clifford gates only, no amplitudes, but
// thousands of qubits. It is built by
//
//     c++ -shared -fPIC -O2 -I <include directory> clifford.cpp -o libclifford.so
//
// S. Aaronson and D. Gottesman, Phys. Rev. A 70, 052328 (2004).

#include "qjit_device.h"

#include <array>
#include <cstdio>
#include <exception>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

// A Pauli word with a sign: i to the power of `phase`, times its X and its Z.
struct Word {
    std::vector<bool> x, z;
    int phase = 0;

    explicit Word(std::size_t size) : x(size), z(size) {}

    void multiply(const Word &other) {
        // Bringing the other's X past the Z of this one gives a sign for each Y-like pair.
        phase += other.phase;
        for (std::size_t n = 0; n < x.size(); n++) {
            phase += z[n] && other.x[n] ? 2 : 0;
            x[n] = x[n] != other.x[n];
            z[n] = z[n] != other.z[n];
        }
        phase %= 4;
    }
};

class Clifford {
  public:
    std::string error;

    Clifford(std::size_t size, std::uint64_t seed) : random(seed) {
        for (std::size_t n = 0; n < size; n++) {
            destabilizers.emplace_back(size).x[n] = true;
            stabilizers.emplace_back(size).z[n] = true;
        }
    }

    void hadamard(std::size_t q) {
        each([q](Word &word) {
            word.phase += word.x[q] && word.z[q] ? 2 : 0;
            const bool x = word.x[q];
            word.x[q] = word.z[q];
            word.z[q] = x;
        });
    }

    // X becomes Y = i X Z under S, and -Y under its adjoint.
    void phase(std::size_t q, int power) {
        each([q, power](Word &word) {
            if (word.x[q]) {
                word.phase += power;
                word.z[q] = !word.z[q];
            }
        });
    }

    void cnot(std::size_t control, std::size_t target) {
        each([control, target](Word &word) {
            word.x[target] = word.x[target] != word.x[control];
            word.z[control] = word.z[control] != word.z[target];
        });
    }

    void pauli(std::size_t q, bool flips, bool turns) {
        each([q, flips, turns](Word &word) {
            word.phase += (word.z[q] && flips ? 2 : 0) + (word.x[q] && turns ? 2 : 0);
        });
    }

    bool measure(std::size_t q) {
        for (std::size_t n = 0; n < stabilizers.size(); n++) {
            if (stabilizers[n].x[q]) {
                return collapse(q, n);
            }
        }
        Word product(stabilizers.size());
        for (std::size_t n = 0; n < stabilizers.size(); n++) {
            if (destabilizers[n].x[q]) {
                product.multiply(stabilizers[n]);
            }
        }
        return product.phase % 4 == 2;
    }

    // Later shots draw other numbers than those of a copy.
    void continue_random(const Clifford &copy) { random = copy.random; }

  private:
    std::vector<Word> destabilizers, stabilizers;
    std::mt19937_64 random;

    template <typename Change> void each(Change change) {
        for (auto *words : {&destabilizers, &stabilizers}) {
            for (Word &word : *words) {
                change(word);
                word.phase %= 4;
            }
        }
    }

    bool collapse(std::size_t q, std::size_t chosen) {
        const Word old = stabilizers[chosen];
        for (auto *words : {&destabilizers, &stabilizers}) {
            for (Word &word : *words) {
                if (word.x[q] && &word != &stabilizers[chosen]) {
                    word.multiply(old);
                }
            }
        }
        const bool outcome = (random() >> 63) != 0;
        destabilizers[chosen] = old;
        stabilizers[chosen] = Word(stabilizers.size());
        stabilizers[chosen].z[q] = true;
        stabilizers[chosen].phase = outcome ? 2 : 0;
        return outcome;
    }
};

enum Kind { H, S, S_ADJOINT, X, Y, Z, CNOT, NUM_KINDS };

const std::array<qjit_gate_kind, NUM_KINDS> kinds = {{{"H", 0, 1},
                                                      {"S", 0, 1},
                                                      {"adjoint(S)", 0, 1},
                                                      {"X", 0, 1},
                                                      {"Y", 0, 1},
                                                      {"Z", 0, 1},
                                                      {"CNOT", 0, 2}}};

Clifford *of(qjit_device *device) { return reinterpret_cast<Clifford *>(device); }

// No exception may leave a function that compiled code calls.
template <typename Action> int32_t guarded(qjit_device *device, Action action) {
    try {
        action(*of(device));
        return QJIT_DEVICE_OK;
    } catch (const std::exception &error) {
        of(device)->error = error.what();
        return 1;
    }
}

qjit_device *create(const char *, uint64_t num_qubits, uint64_t seed, char *error,
                    uint64_t error_size) {
    try {
        return reinterpret_cast<qjit_device *>(new Clifford(num_qubits, seed));
    } catch (const std::exception &failure) {
        std::snprintf(error, error_size, "%s", failure.what());
        return nullptr;
    }
}

void destroy(qjit_device *device) { delete of(device); }

const char *last_error(const qjit_device *device) {
    return reinterpret_cast<const Clifford *>(device)->error.c_str();
}

int32_t apply_gate(qjit_device *device, const qjit_gate *gate) {
    return guarded(device, [gate](Clifford &state) {
        const auto q = static_cast<std::size_t>(gate->targets[0]);
        switch (gate->kind) {
        case H: return state.hadamard(q);
        case S: return state.phase(q, 1);
        case S_ADJOINT: return state.phase(q, 3);
        case X: return state.pauli(q, true, false);
        case Y: return state.pauli(q, true, true);
        case Z: return state.pauli(q, false, true);
        case CNOT: return state.cnot(q, static_cast<std::size_t>(gate->targets[1]));
        default: throw std::invalid_argument("it has no such gate");
        }
    });
}

int32_t measure(qjit_device *device, int32_t qubit, uint8_t *outcome) {
    return guarded(device, [=](Clifford &state) {
        *outcome = state.measure(static_cast<std::size_t>(qubit));
    });
}

int32_t reset(qjit_device *device, int32_t qubit) {
    return guarded(device, [=](Clifford &state) {
        const auto q = static_cast<std::size_t>(qubit);
        if (state.measure(q)) {
            state.pauli(q, true, false);
        }
    });
}

int32_t sample(qjit_device *device, uint64_t shots, const int32_t *qubits,
               uint64_t num_qubits, uint8_t *bits) {
    return guarded(device, [=](Clifford &state) {
        std::uint8_t *next = bits;
        for (std::uint64_t shot = 0; shot < shots; shot++) {
            Clifford copy = state;
            for (std::uint64_t n = 0; n < num_qubits; n++) {
                *next++ = copy.measure(static_cast<std::size_t>(qubits[n]));
            }
            state.continue_random(copy);
        }
    });
}

const qjit_device_api api = {QJIT_DEVICE_ABI_VERSION,
                             sizeof(qjit_device_api),
                             "stabiliser simulator",
                             0,
                             1u << 14,
                             NUM_KINDS,
                             0,
                             kinds.data(),
                             create,
                             destroy,
                             last_error,
                             apply_gate,
                             sample,
                             measure,
                             reset,
                             nullptr};

} // namespace

const qjit_device_api *qjit_device_table(uint32_t abi_version) {
    return abi_version == QJIT_DEVICE_ABI_VERSION ? &api : nullptr;
}
