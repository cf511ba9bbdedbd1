// SPDX-License-Identifier: Apache-2.0
#include "nif/conversion/bytes_to_term.h"

#include <cstring>
#include <new>

#include "nif/conversion/shared_binary.h"

namespace nif {

namespace {

using loop_bridge::Gil;
using loop_bridge::PyError;
using loop_bridge::PyRef;

unsigned char* new_binary(ErlNifEnv* env, std::size_t size, ERL_NIF_TERM* term) {
    unsigned char* data = enif_make_new_binary(env, size, term);
    if (data == nullptr && size != 0) throw std::bad_alloc{};
    return data;
}

ERL_NIF_TERM copied(ErlNifEnv* env, const void* data, std::size_t size) {
    ERL_NIF_TERM term = 0;
    unsigned char* target = new_binary(env, size, &term);
    if (size != 0) std::memcpy(target, data, size);
    return term;
}

class Buffer {
public:
    Buffer(Gil, PyObject* object) {
        if (PyObject_GetBuffer(object, &view_, PyBUF_FULL_RO) < 0) throw PyError{};
    }
    ~Buffer() { PyBuffer_Release(&view_); }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;

    std::size_t size() const { return static_cast<std::size_t>(view_.len); }
    // In C order, whatever the strides of the view are.
    void copy_to(Gil, unsigned char* target) {
        if (view_.len != 0 && PyBuffer_ToContiguous(target, &view_, view_.len, 'C') < 0) {
            throw PyError{};
        }
    }

private:
    Py_buffer view_{};
};

}  // namespace

ERL_NIF_TERM text_to_term(Gil gil, ErlNifEnv* env, PyObject* text) {
    if (PyUnicode_CheckExact(text) && PyUnicode_IS_COMPACT_ASCII(text)) {
        const void* data = PyUnicode_DATA(text);
        const auto size = static_cast<std::size_t>(PyUnicode_GET_LENGTH(text));
        if (size >= kMinSharedBytes) return make_shared_binary(gil, env, text, data, size);
        return copied(env, data, size);
    }
    // Not PyUnicode_AsUTF8(): the str would keep that second copy of its text for life.
    const PyRef encoded = PyRef::steal(PyUnicode_AsUTF8String(text));
    return bytes_to_term(gil, env, encoded.get());
}

ERL_NIF_TERM bytes_to_term(Gil gil, ErlNifEnv* env, PyObject* bytes) {
    const char* data = PyBytes_AS_STRING(bytes);
    const auto size = static_cast<std::size_t>(PyBytes_GET_SIZE(bytes));
    if (size < kMinSharedBytes || !PyBytes_CheckExact(bytes)) return copied(env, data, size);
    return make_shared_binary(gil, env, bytes, data, size);
}

ERL_NIF_TERM buffer_to_term(Gil gil, ErlNifEnv* env, PyObject* object) {
    Buffer buffer{gil, object};
    ERL_NIF_TERM term = 0;
    buffer.copy_to(gil, new_binary(env, buffer.size(), &term));
    return term;
}

}  // namespace nif
