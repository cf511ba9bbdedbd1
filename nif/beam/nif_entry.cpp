// SPDX-License-Identifier: Apache-2.0
#include "nif/beam/nif_entry.h"

#include <exception>
#include <new>
#include <system_error>

#include "nif/beam/atoms.h"

namespace nif {

namespace {

// A NIF can't add the `error_info' by which the functions of OTP explain a badarg. The shell and
// the logger print {badarg, Text} as "bad argument: Text", in all supported releases.
ERL_NIF_TERM raise(ErlNifEnv* env, ERL_NIF_TERM kind, const char* text) noexcept {
    return enif_raise_exception(
        env, enif_make_tuple2(env, kind, enif_make_string(env, text, ERL_NIF_LATIN1)));
}

}  // namespace

ERL_NIF_TERM raise_handled_exception(ErlNifEnv* env) noexcept {
    try {
        throw;
    } catch (const BadArgument& error) {
        return raise(env, atoms.badarg, error.what());
    } catch (const std::system_error& error) {
        return raise(env, atoms.system_error, error.what());
    } catch (const std::bad_alloc&) {
        return enif_raise_exception(env, atoms.enomem);
    } catch (const std::exception& error) {
        return raise(env, atoms.native_error, error.what());
    } catch (...) {
        return raise(env, atoms.native_error, "an unknown C++ exception");
    }
}

}  // namespace nif
