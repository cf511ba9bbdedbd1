// SPDX-License-Identifier: Apache-2.0
// Atoms: never collected, one table for all environments.
#include <algorithm>
#include <deque>
#include <mutex>
#include <string>
#include <unordered_map>

#include "tests/cpp/stand_in/term.h"

namespace stand_in {
namespace {

class AtomTable {
public:
    ERL_NIF_TERM find(std::string_view utf8, bool may_make) {
        const std::lock_guard lock(mutex_);
        if (const auto found = indices_.find(utf8); found != indices_.end()) return found->second;
        if (!may_make) return 0;
        const std::string& text = texts_.emplace_back(utf8);
        const ERL_NIF_TERM atom =
            (texts_.size() - 1) << kAtomShift | static_cast<ERL_NIF_TERM>(Tag::kAtom);
        return indices_[text] = atom;
    }

    std::string_view text(ERL_NIF_TERM atom) {
        const std::lock_guard lock(mutex_);
        return texts_[atom >> kAtomShift];
    }

private:
    std::mutex mutex_;
    std::deque<std::string> texts_;  // the deque never moves its texts
    std::unordered_map<std::string_view, ERL_NIF_TERM> indices_;
};

AtomTable& table() {
    static AtomTable table;
    return table;
}

// Wherever nif/ makes an atom with this function, `latin1` is ASCII. Other texts come in external
// format.
bool is_ascii(std::string_view latin1) {
    return std::all_of(latin1.begin(), latin1.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

}  // namespace

ERL_NIF_TERM find_atom(std::string_view utf8, bool may_make) {
    return table().find(utf8, may_make);
}

std::string_view atom_text(ERL_NIF_TERM atom) { return table().text(atom); }

}  // namespace stand_in

extern "C" {

int enif_is_atom(ErlNifEnv*, ERL_NIF_TERM term) {
    return stand_in::tag_of(term) == stand_in::Tag::kAtom ? 1 : 0;
}

ERL_NIF_TERM enif_make_atom(ErlNifEnv*, const char* name) {
    return stand_in::find_atom(name, true);
}

ERL_NIF_TERM enif_make_atom_len(ErlNifEnv*, const char* name, size_t length) {
    return stand_in::find_atom({name, length}, true);
}

int enif_make_existing_atom_len(ErlNifEnv*, const char* name, size_t length, ERL_NIF_TERM* atom,
                                ErlNifCharEncoding) {
    *atom = stand_in::find_atom({name, length}, false);
    return *atom != 0 ? 1 : 0;
}

// Latin-1 only. Returns 0 for atoms with other characters, as the BEAM does. Also returns 0 for
// characters between ASCII and Latin-1: their text takes the way through the external format.
int enif_get_atom(ErlNifEnv*, ERL_NIF_TERM atom, char* buffer, unsigned size, ErlNifCharEncoding) {
    const std::string_view text = stand_in::atom_text(atom);
    if (!stand_in::is_ascii(text) || text.size() >= size) return 0;
    buffer[text.copy(buffer, size)] = '\0';
    return static_cast<int>(text.size()) + 1;
}

}  // extern "C"
