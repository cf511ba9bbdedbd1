// SPDX-License-Identifier: Apache-2.0
#include "nif/conversion/big_integer.h"

#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

namespace nif {

using loop_bridge::Gil;
using loop_bridge::PyRef;

namespace {

// External term format: version, tag, count of magnitude bytes (1 or 4), sign, little-endian bytes.
constexpr unsigned char kVersion = 131;
constexpr unsigned char kSmallBig = 110;
constexpr unsigned char kLargeBig = 111;
constexpr std::size_t kSmallHeader = 4;
constexpr std::size_t kLargeHeader = 7;

// More bits than any Erlang release allows. Larger integers are refused without a copy; the release
// decides on smaller ones.
constexpr std::size_t kMaxBits = std::size_t{1} << 26;

PyRef method_of_int(Gil, const char* name) {
    return PyRef::steal(PyObject_GetAttrString(reinterpret_cast<PyObject*>(&PyLong_Type), name));
}

class EncodedTerm {
public:
    EncodedTerm(Gil, ErlNifEnv* env, ERL_NIF_TERM term) {
        if (enif_term_to_binary(env, term, &binary_) == 0) {
            PyErr_NoMemory();
            throw loop_bridge::PyError{};
        }
    }
    ~EncodedTerm() { enif_release_binary(&binary_); }
    EncodedTerm(const EncodedTerm&) = delete;
    EncodedTerm& operator=(const EncodedTerm&) = delete;

    const unsigned char* data() const { return binary_.data; }
    std::size_t size() const { return binary_.size; }

private:
    ErlNifBinary binary_{};
};

[[noreturn]] void raise_too_large(Gil gil) {
    loop_bridge::raise_python(gil, PyExc_OverflowError, "the integer is too large for Erlang");
}

// The header for a magnitude of `size` bytes.
std::vector<unsigned char> encoded_header(std::size_t size, bool negative) {
    const unsigned char sign = negative ? 1 : 0;
    if (size <= std::numeric_limits<std::uint8_t>::max()) {
        return {kVersion, kSmallBig, static_cast<unsigned char>(size), sign};
    }
    return {kVersion,
            kLargeBig,
            static_cast<unsigned char>(size >> 24),
            static_cast<unsigned char>(size >> 16),
            static_cast<unsigned char>(size >> 8),
            static_cast<unsigned char>(size),
            sign};
}

}  // namespace

IntegerMethods IntegerMethods::look_up(Gil gil) {
    IntegerMethods methods;
    methods.bit_length = method_of_int(gil, "bit_length");
    methods.to_bytes = method_of_int(gil, "to_bytes");
    methods.from_bytes = method_of_int(gil, "from_bytes");
    methods.little = PyRef::steal(PyUnicode_InternFromString("little"));
    return methods;
}

PyRef big_integer_to_python(Gil gil, const IntegerMethods& methods, ErlNifEnv* env,
                            ERL_NIF_TERM term) {
    const EncodedTerm encoded{gil, env, term};
    const unsigned char* data = encoded.data();
    const bool large = encoded.size() > 1 && data[1] == kLargeBig;
    const std::size_t header = large ? kLargeHeader : kSmallHeader;
    if (encoded.size() <= header || (!large && data[1] != kSmallBig)) {
        loop_bridge::raise_python(gil, PyExc_SystemError, "unknown encoding of an integer");
    }
    const PyRef bytes =
        PyRef::steal(PyBytes_FromStringAndSize(reinterpret_cast<const char*>(data + header),
                                               static_cast<Py_ssize_t>(encoded.size() - header)));
    PyRef magnitude = PyRef::steal(PyObject_CallFunctionObjArgs(
        methods.from_bytes.get(), bytes.get(), methods.little.get(), nullptr));
    if (data[header - 1] == 0) return magnitude;
    return PyRef::steal(PyNumber_Negative(magnitude.get()));
}

ERL_NIF_TERM big_integer_to_term(Gil gil, const IntegerMethods& methods, ErlNifEnv* env,
                                 PyObject* value) {
    // For a negative integer, bit_length() is that of its magnitude.
    const PyRef bits = PyRef::steal(PyObject_CallOneArg(methods.bit_length.get(), value));
    const std::size_t bit_count = PyLong_AsSize_t(bits.get());
    if (bit_count > kMaxBits) {
        PyErr_Clear();
        raise_too_large(gil);
    }
    const PyRef zero = PyRef::steal(PyLong_FromLong(0));
    const PyRef negative = PyRef::steal(PyLong_Type.tp_richcompare(value, zero.get(), Py_LT));
    const PyRef magnitude = PyRef::steal(PyLong_Type.tp_as_number->nb_absolute(value));
    const std::size_t size = (bit_count + 7) / 8;
    const PyRef length = PyRef::steal(PyLong_FromSize_t(size));
    const PyRef bytes = PyRef::steal(PyObject_CallFunctionObjArgs(
        methods.to_bytes.get(), magnitude.get(), length.get(), methods.little.get(), nullptr));

    std::vector<unsigned char> encoded = encoded_header(size, negative.get() == Py_True);
    const std::size_t header = encoded.size();
    encoded.resize(header + size);
    std::memcpy(encoded.data() + header, PyBytes_AS_STRING(bytes.get()), size);
    ERL_NIF_TERM term = 0;
    if (enif_binary_to_term(env, encoded.data(), encoded.size(), &term, ERL_NIF_BIN2TERM_SAFE) ==
        0) {
        raise_too_large(gil);
    }
    return term;
}

}  // namespace nif
