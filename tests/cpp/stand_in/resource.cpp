// SPDX-License-Identifier: Apache-2.0
// Resources, only as far as binaries over foreign memory need them.
#include <atomic>
#include <new>
#include <string>
#include <utility>

#include "tests/cpp/stand_in/term.h"

struct enif_resource_type_t {
    ErlNifResourceDtor* destroy;
};

namespace {

// A header in front of the object.
struct alignas(std::max_align_t) Resource {
    const enif_resource_type_t* type;
    std::atomic<int> references{1};
};

Resource* resource_of(void* object) { return static_cast<Resource*>(object) - 1; }

std::string erts_version = "16.0";
char otp_release[] = "28";

}  // namespace

void stand_in::pretend_runtime(const char* version) { erts_version = version; }

extern "C" {

// A type lives as long as the process.
ErlNifResourceType* enif_init_resource_type(ErlNifEnv*, const char*,
                                            const ErlNifResourceTypeInit* init, ErlNifResourceFlags,
                                            ErlNifResourceFlags*) {
    return new enif_resource_type_t{init->dtor};
}

void* enif_alloc_resource(ErlNifResourceType* type, size_t size) {
    void* memory = ::operator new(sizeof(Resource) + size);
    return new (memory) Resource{type} + 1;
}

void enif_keep_resource(void* object) { ++resource_of(object)->references; }

void enif_release_resource(void* object) {
    Resource* resource = resource_of(object);
    if (--resource->references != 0) return;
    if (resource->type->destroy != nullptr) resource->type->destroy(nullptr, object);
    resource->~Resource();
    ::operator delete(resource);
}

ERL_NIF_TERM enif_make_resource_binary(ErlNifEnv* env, void* object, const void* data,
                                       size_t size) {
    enif_keep_resource(object);
    const auto release = [object](const unsigned char*) { enif_release_resource(object); };
    stand_in::SharedBytes shared(static_cast<const unsigned char*>(data), release);
    return stand_in::make_shared_binary(env, std::move(shared), size);
}

void enif_system_info(ErlNifSysInfo* info, size_t) {
    *info = {};
    info->erts_version = erts_version.data();
    info->otp_release = otp_release;
}

}  // extern "C"
