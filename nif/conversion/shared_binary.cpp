// SPDX-License-Identifier: Apache-2.0
#include "nif/conversion/shared_binary.h"

#include <cstddef>

#include "loop_bridge/python/py_handle.h"
#include "nif/beam/resource.h"

namespace nif {

using loop_bridge::Gil;

namespace {

class SharedBinary {
public:
    static constexpr const char* kResourceName = "shared_binary";

    SharedBinary(Gil, PyObject* owner) noexcept : owner_(loop_bridge::PyRef::borrow(owner)) {}

private:
    loop_bridge::PyHandle owner_;  // dies on a scheduler thread
};

}  // namespace

bool open_shared_binary_resource(ErlNifEnv* env) { return Resource<SharedBinary>::open(env); }

ERL_NIF_TERM make_shared_binary(Gil gil, ErlNifEnv* env, PyObject* owner, const void* data,
                                std::size_t size) {
    const auto shared = ResourcePtr<SharedBinary>::make(gil, owner);
    return enif_make_resource_binary(env, shared.cell(), data, size);
}

}  // namespace nif
