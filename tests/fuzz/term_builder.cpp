// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/term_builder.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "nif/beam/atoms.h"
#include "nif/beam/binaries.h"
#include "tests/cpp/stand_in/term.h"

namespace fuzz {
namespace {

constexpr int kMaxDepth = 12;

// Few, since atoms are never freed. The first atoms have a meaning in the conversions.
const std::array<std::string, 16>& atom_texts() {
    static const auto& texts = *new std::array<std::string, 16>{
        "true", "false",   "none",  "nil",    "undefined", "bytes", "nan", "infinity",
        "text", "an atom", "größe", "日本語", "",          "x",     "ÿ",   std::string(255, 'a')};
    return texts;
}

}  // namespace

ERL_NIF_TERM TermBuilder::build() {
    if (source_.empty() || depth_ >= kMaxDepth) return stand_in::kNil;
    ++depth_;
    ERL_NIF_TERM term = 0;
    switch (source_.below(13)) {
        case 0:
            term = enif_make_int64(env_, source_.number<std::int64_t>());
            break;
        case 1:
            term = build_integer();
            break;
        case 2:
            term = build_float();
            break;
        case 3:
            term = build_atom();
            break;
        case 4:
        case 5:
            term = build_binary();
            break;
        case 6:
            term = build_pid();
            break;
        case 7:
        case 8:
            term = build_list(true);
            break;
        case 9:
            term = build_list(false);
            break;
        case 10:
            term = build_tuple();
            break;
        case 11:
            term = build_map();
            break;
        default:
            term = build_deep();
    }
    --depth_;
    return term;
}

ERL_NIF_TERM TermBuilder::build_integer() {
    const bool negative = source_.byte() % 2 == 1;
    const auto magnitude = source_.take(source_.size());
    return stand_in::make_integer(env_, negative && !magnitude.empty(), magnitude);
}

ERL_NIF_TERM TermBuilder::build_float() {
    const auto number = source_.number<double>();
    // Erlang has no other floats
    return enif_make_double(env_, std::isfinite(number) ? number : 0.5);
}

ERL_NIF_TERM TermBuilder::build_atom() {
    const ERL_NIF_TERM atom = stand_in::find_atom(atom_texts()[source_.below(16)], true);
    if (atom == nif::atoms.nil || atom == nif::atoms.undefined) exact_ = false;
    return atom;
}

ERL_NIF_TERM TermBuilder::build_binary() {
    const std::size_t repeated = source_.below(8) == 0 ? 10'000 : 1;
    const auto bytes = source_.take(source_.size());
    ERL_NIF_TERM binary = 0;
    unsigned char* data = enif_make_new_binary(env_, repeated * bytes.size(), &binary);
    for (std::size_t i = 0; i < repeated; ++i) data = std::copy(bytes.begin(), bytes.end(), data);
    return binary;
}

ERL_NIF_TERM TermBuilder::build_pid() {
    auto* pid = env_->allocate<stand_in::Pid>();
    const ERL_NIF_TERM node = stand_in::find_atom(atom_texts()[source_.below(16)], true);
    const auto part = [this] { return source_.number<std::uint32_t>(); };
    *pid = {{stand_in::Kind::kPid}, node, part(), part(), part()};
    return stand_in::to_term(pid, stand_in::Tag::kBlock);
}

ERL_NIF_TERM TermBuilder::build_list(bool proper) {
    std::vector<ERL_NIF_TERM> elements(source_.below(20));
    for (ERL_NIF_TERM& element : elements) element = build();
    if (proper) {
        return enif_make_list_from_array(env_, elements.data(),
                                         static_cast<unsigned>(elements.size()));
    }
    ERL_NIF_TERM list = build();
    for (const ERL_NIF_TERM head : elements) {
        auto* cell = env_->allocate<stand_in::Cell>();
        *cell = {head, list};
        list = stand_in::to_term(cell, stand_in::Tag::kCell);
    }
    return list;
}

ERL_NIF_TERM TermBuilder::build_tuple() {
    std::vector<ERL_NIF_TERM> elements(source_.below(12));
    for (ERL_NIF_TERM& element : elements) element = build();
    // {bytes, Binary} becomes bytes in Python, {text, Binary} a str.
    if (elements.size() == 2 && nif::read_binaries(elements[0])) {
        exact_ = false;
        tagged_ = true;
    }
    return enif_make_tuple_from_array(env_, elements.data(),
                                      static_cast<unsigned>(elements.size()));
}

ERL_NIF_TERM TermBuilder::build_map() {
    has_map_ = true;
    // More keys than an old runtime can take in one call. The additional keys are consecutive
    // integers.
    const std::size_t more = source_.below(8) == 0 ? 140 : 0;
    std::vector<ERL_NIF_TERM> keys(source_.below(12) + more);
    std::vector<ERL_NIF_TERM> values(keys.size());
    for (std::size_t i = 0; i < keys.size(); ++i) {
        keys[i] = i < more ? enif_make_int64(env_, static_cast<std::int64_t>(i)) : build();
        values[i] = build();
    }
    ERL_NIF_TERM map = 0;
    enif_make_map_from_arrays(env_, nullptr, nullptr, 0, &map);
    for (std::size_t i = 0; i < keys.size(); ++i) {
        enif_make_map_put(env_, map, keys[i], values[i], &map);
    }
    return map;
}

ERL_NIF_TERM TermBuilder::build_deep() {
    ERL_NIF_TERM term = build();
    unsigned levels = std::min(source_.number<std::uint16_t>() % 2048U, levels_left_);
    levels_left_ -= levels;
    for (; levels > 0; --levels) {
        term = levels % 2 == 0 ? enif_make_list_from_array(env_, &term, 1)
                               : enif_make_tuple_from_array(env_, &term, 1);
    }
    return term;
}

}  // namespace fuzz
