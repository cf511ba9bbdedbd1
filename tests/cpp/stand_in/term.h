// SPDX-License-Identifier: Apache-2.0
// term.h: terms as words, for the stand-in of the BEAM to which the conversions of nif/ are linked.
// The enif_* functions of this folder are plain C symbols with the signatures of erl_nif.h, so the
// code under test needs no seam. They follow erl_nif's manual for integers, floats, atoms,
// binaries, lists, tuples, maps and pids of other nodes. There are no ports, references, funs and
// bitstrings.
// Threads: one thread at a time for an environment; any thread for atoms.
// Owns:    an environment owns all its terms. AddressSanitizer sees each term as a separate block.
#pragma once

#include <erl_nif.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace stand_in {

// The low three bits of a term. An atom's index starts at the seventh bit, as in the BEAM.
enum class Tag : std::uint8_t { kBlock = 0, kSmall = 1, kAtom = 2, kNil = 3, kCell = 4 };
inline constexpr unsigned kTagBits = 3;
inline constexpr unsigned kAtomShift = 6;
inline constexpr ERL_NIF_TERM kNil = static_cast<ERL_NIF_TERM>(Tag::kNil);

// Integers beyond this range are stored in a block.
inline constexpr std::int64_t kMaxSmall = (std::int64_t{1} << 59) - 1;
inline constexpr std::int64_t kMinSmall = -kMaxSmall - 1;

struct Cell {
    ERL_NIF_TERM head, tail;
};

enum class Kind : std::uint8_t { kFloat, kInteger, kBinary, kTuple, kMap, kPid };

// The begin of every term with Tag::kBlock.
struct Block {
    Kind kind;
};

struct Float : Block {
    double value;
};

struct Integer : Block {
    bool negative;
    std::size_t size;  // size of the magnitude, which follows: little-endian, without leading zeros
};

using SharedBytes = std::shared_ptr<const unsigned char>;

struct Binary : Block {
    std::size_t size;
    const unsigned char* data;
    const SharedBytes* shared;  // null: the bytes belong to this environment
};

struct Tuple : Block {
    std::size_t arity;  // the elements follow
};

struct Map : Block {
    std::size_t size;  // the keys follow, ordered; then the values
};

struct Pid : Block {
    ERL_NIF_TERM node;  // an atom
    std::uint32_t id, serial, creation;
};

inline Tag tag_of(ERL_NIF_TERM term) noexcept { return static_cast<Tag>(term & 7U); }

template <class T>
ERL_NIF_TERM to_term(const T* block, Tag tag) noexcept {
    return reinterpret_cast<ERL_NIF_TERM>(block) | static_cast<ERL_NIF_TERM>(tag);
}

inline Cell* cell_of(ERL_NIF_TERM term) noexcept {
    return reinterpret_cast<Cell*>(term & ~ERL_NIF_TERM{7});
}

// Returns null when the term is of another kind.
template <class T>
const T* block_of(ERL_NIF_TERM term, Kind kind) noexcept {
    if (tag_of(term) != Tag::kBlock) return nullptr;
    const auto* block = reinterpret_cast<const Block*>(term);
    return block->kind == kind ? static_cast<const T*>(block) : nullptr;
}

inline std::int64_t small_value(ERL_NIF_TERM term) noexcept {
    return static_cast<std::int64_t>(term) >> kTagBits;
}

// Little-endian.
inline std::span<const unsigned char> magnitude(const Integer* integer) noexcept {
    return {reinterpret_cast<const unsigned char*>(integer + 1), integer->size};
}
inline std::span<const unsigned char> bytes(const Binary* binary) noexcept {
    return {binary->data, binary->size};
}
inline std::span<const ERL_NIF_TERM> elements(const Tuple* tuple) noexcept {
    return {reinterpret_cast<const ERL_NIF_TERM*>(tuple + 1), tuple->arity};
}
inline std::span<const ERL_NIF_TERM> keys(const Map* map) noexcept {
    return {reinterpret_cast<const ERL_NIF_TERM*>(map + 1), map->size};
}
inline std::span<const ERL_NIF_TERM> values(const Map* map) noexcept {
    return {keys(map).data() + map->size, map->size};
}

// The runtime version that enif_system_info() reports, "16.0" by default. Called before the code
// under test asks.
void pretend_runtime(const char* erts_version);

// The reason that a NIF has raised on this thread; 0, which is no term, if there is none.
ERL_NIF_TERM take_raised();
// The name under which a NIF was moved to a dirty scheduler; empty if none was.
std::string_view take_scheduled();

ERL_NIF_TERM make_integer(ErlNifEnv* env, bool negative, std::span<const unsigned char> magnitude);
ERL_NIF_TERM make_shared_binary(ErlNifEnv* env, SharedBytes data, std::size_t size);

// The text of an atom, as UTF-8.
std::string_view atom_text(ERL_NIF_TERM atom);
// Returns 0, which is no term, when the atom is unknown and may not be made.
ERL_NIF_TERM find_atom(std::string_view utf8, bool may_make);

// The order of terms. With `exact`, an integer comes before the float of the same value, as in keys
// of maps.
int compare(ERL_NIF_TERM a, ERL_NIF_TERM b, bool exact);

}  // namespace stand_in

// The environment; erl_nif.h declares its name.
struct enif_environment_t {
public:
    // Allocates a block of T with `extra` bytes after it.
    template <class T>
    T* allocate(std::size_t extra = 0) {
        return static_cast<T*>(allocate_bytes(sizeof(T) + extra));
    }
    const stand_in::SharedBytes* keep(stand_in::SharedBytes shared) {
        return &shared_.emplace_back(std::move(shared));
    }

private:
    void* allocate_bytes(std::size_t size);

    std::vector<std::unique_ptr<std::byte[]>> chunks_;
    std::byte* next_ = nullptr;
    std::size_t left_ = 0;
    std::deque<stand_in::SharedBytes> shared_;
};
