// SPDX-License-Identifier: Apache-2.0
// Calls of NIFs: their arguments, exceptions and schedulers.
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/cpp/stand_in/term.h"

namespace {

thread_local ERL_NIF_TERM raised = 0;
thread_local std::string_view scheduled;

}  // namespace

ERL_NIF_TERM stand_in::take_raised() { return std::exchange(raised, 0); }
std::string_view stand_in::take_scheduled() { return std::exchange(scheduled, {}); }

extern "C" {

ErlNifPid* enif_self(ErlNifEnv*, ErlNifPid* pid) {
    *pid = {};
    return pid;
}

int enif_get_uint64(ErlNifEnv* env, ERL_NIF_TERM term, ErlNifUInt64* value) {
    const auto* integer = stand_in::block_of<stand_in::Integer>(term, stand_in::Kind::kInteger);
    if (integer == nullptr) {
        ErlNifSInt64 small = 0;
        if (enif_get_int64(env, term, &small) == 0 || small < 0) return 0;
        *value = static_cast<ErlNifUInt64>(small);
        return 1;
    }
    if (integer->negative || integer->size > sizeof(ErlNifUInt64)) return 0;
    *value = 0;
    for (std::size_t i = integer->size; i-- > 0;) {
        *value = *value << 8 | stand_in::magnitude(integer)[i];
    }
    return 1;
}

int enif_get_int(ErlNifEnv* env, ERL_NIF_TERM term, int* value) {
    using Limits = std::numeric_limits<int>;
    ErlNifSInt64 wide = 0;
    if (enif_get_int64(env, term, &wide) == 0) return 0;
    if (wide < Limits::min() || wide > Limits::max()) return 0;
    *value = static_cast<int>(wide);
    return 1;
}

ERL_NIF_TERM enif_make_string(ErlNifEnv* env, const char* text, ErlNifCharEncoding) {
    std::vector<ERL_NIF_TERM> characters;
    for (const char c : std::string_view(text)) {
        characters.push_back(enif_make_int64(env, static_cast<unsigned char>(c)));
    }
    return enif_make_list_from_array(env, characters.data(),
                                     static_cast<unsigned>(characters.size()));
}

// No term is a resource: resources are references.
int enif_get_resource(ErlNifEnv*, ERL_NIF_TERM, ErlNifResourceType*, void**) { return 0; }

// 0 is no term.
ERL_NIF_TERM enif_raise_exception(ErlNifEnv*, ERL_NIF_TERM reason) {
    raised = reason;
    return 0;
}

// Runs the function at once.
ERL_NIF_TERM enif_schedule_nif(ErlNifEnv* env, const char* name, int,
                               ERL_NIF_TERM (*function)(ErlNifEnv*, int, const ERL_NIF_TERM[]),
                               int argc, const ERL_NIF_TERM argv[]) {
    scheduled = name;
    return function(env, argc, argv);
}

}  // extern "C"
