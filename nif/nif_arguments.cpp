// SPDX-License-Identifier: Apache-2.0
#include "nif/nif_arguments.h"

#include <string>
#include <vector>

namespace nif {

namespace {

// Reads the values of a map; each error text names the option.
class OptionReader {
public:
    explicit OptionReader(const GivenArgument& map) : map_(map) {
        if (enif_is_map(map.env, map.term) == 0) map.refuse("must be a map of options");
    }

    bool has(const char* key) const {
        ERL_NIF_TERM value = 0;
        return find(key, &value);
    }

    std::string text(const char* key) const { return text_of(key, value(key), "a binary"); }

    std::vector<std::string> texts(const char* key) const {
        std::vector<std::string> read;
        ERL_NIF_TERM list = value(key);
        ERL_NIF_TERM head = 0;
        while (enif_get_list_cell(map_.env, list, &head, &list) != 0) {
            read.push_back(text_of(key, head, kBinaries));
        }
        if (enif_is_empty_list(map_.env, list) == 0) refuse(key, kBinaries);
        return read;
    }

    std::uint64_t number(const char* key) const {
        ErlNifUInt64 number = 0;
        if (enif_get_uint64(map_.env, value(key), &number) == 0) {
            refuse(key, "an integer from 0 to 2^64 - 1");
        }
        return number;
    }

    loop_bridge::WakeKind wake_kind(const char* key) const {
        const ERL_NIF_TERM kind = value(key);
        if (is_atom(kind, "eventfd")) return loop_bridge::WakeKind::kEventFd;
        if (is_atom(kind, "pipe")) return loop_bridge::WakeKind::kPipe;
        refuse(key, "eventfd or pipe");
    }

    ERL_NIF_TERM none(const char* key) const {
        const ERL_NIF_TERM atom = value(key);
        if (is_atom(atom, "none") || is_atom(atom, "nil")) return atom;
        refuse(key, "none or nil");
    }

    Binaries binaries(const char* key) const {
        const auto binaries = read_binaries(value(key));
        if (!binaries) refuse(key, "text or bytes");
        return *binaries;
    }

private:
    static constexpr const char* kBinaries = "a list of binaries";

    bool find(const char* key, ERL_NIF_TERM* value) const {
        return enif_get_map_value(map_.env, map_.term, enif_make_atom(map_.env, key), value) != 0;
    }

    bool is_atom(ERL_NIF_TERM term, const char* text) const {
        return enif_is_identical(term, enif_make_atom(map_.env, text)) != 0;
    }

    ERL_NIF_TERM value(const char* key) const {
        ERL_NIF_TERM value = 0;
        if (!find(key, &value)) map_.refuse(std::string{"needs the option "} + key);
        return value;
    }

    std::string text_of(const char* key, ERL_NIF_TERM term, const char* expected) const {
        ErlNifBinary binary;
        if (enif_inspect_binary(map_.env, term, &binary) == 0) refuse(key, expected);
        return {reinterpret_cast<const char*>(binary.data), binary.size};
    }

    [[noreturn]] void refuse(const char* key, const char* expected) const {
        map_.refuse(std::string{"has a wrong option: "} + key + " must be " + expected);
    }

    GivenArgument map_;
};

}  // namespace

StartOptions Argument<StartOptions>::read(const GivenArgument& given) {
    const OptionReader map{given};
    StartOptions options{};
    options.interpreter.executable = map.text("executable");
    options.interpreter.path = map.texts("path");
    options.interpreter.argv = {options.interpreter.executable};
    options.interpreter.main_program = map.has("argv");
    if (options.interpreter.main_program) {
        for (auto& argument : map.texts("argv")) {
            options.interpreter.argv.push_back(std::move(argument));
        }
    }
    options.channel = map.wake_kind("channel");
    options.spin_microseconds = static_cast<std::int64_t>(map.number("spin_us"));
    options.max_in_flight = map.number("max_in_flight");
    options.none = map.none("none");
    options.binaries = map.binaries("binaries");
    return options;
}

}  // namespace nif
