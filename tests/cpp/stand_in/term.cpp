// SPDX-License-Identifier: Apache-2.0
#include "tests/cpp/stand_in/term.h"

#include <sanitizer/asan_interface.h>

#include <algorithm>
#include <cstdarg>
#include <cstring>
#include <limits>

using namespace stand_in;

namespace {

constexpr std::size_t kFirstChunk = 512;
constexpr std::size_t kLargestChunk = 65'536;
// Never written or read, so that AddressSanitizer notices an access beyond a block.
constexpr std::size_t kGap = 8;

// Binaries up to this size are stored in the environment itself, as in the BEAM.
constexpr std::size_t kMaxHeapBinary = 64;

ERL_NIF_TERM small(std::int64_t value) {
    return static_cast<ERL_NIF_TERM>(value) << kTagBits | static_cast<ERL_NIF_TERM>(Tag::kSmall);
}

Binary* make_heap_binary(ErlNifEnv* env, std::size_t size, unsigned char** data) {
    auto* binary = env->allocate<Binary>(size);
    *data = reinterpret_cast<unsigned char*>(binary + 1);
    *binary = {{Kind::kBinary}, size, *data, nullptr};
    return binary;
}

ERL_NIF_TERM copy_list(ErlNifEnv* env, ERL_NIF_TERM list) {
    ERL_NIF_TERM first = 0;
    ERL_NIF_TERM* link = &first;
    for (; tag_of(list) == Tag::kCell; list = cell_of(list)->tail) {
        auto* cell = env->allocate<Cell>();
        cell->head = enif_make_copy(env, cell_of(list)->head);
        *link = to_term(cell, Tag::kCell);
        link = &cell->tail;
    }
    *link = enif_make_copy(env, list);
    return first;
}

ERL_NIF_TERM copy_map(ErlNifEnv* env, const Map* map) {
    const std::size_t words = 2 * map->size;
    auto* made = env->allocate<Map>(words * sizeof(ERL_NIF_TERM));
    *made = *map;
    auto* entries = reinterpret_cast<ERL_NIF_TERM*>(made + 1);
    const ERL_NIF_TERM* source = keys(map).data();
    for (std::size_t i = 0; i < words; ++i) entries[i] = enif_make_copy(env, source[i]);
    return to_term(made, Tag::kBlock);
}

ERL_NIF_TERM copy_tuple(ErlNifEnv* env, const Tuple* tuple) {
    auto* made = env->allocate<Tuple>(tuple->arity * sizeof(ERL_NIF_TERM));
    *made = *tuple;
    auto* target = reinterpret_cast<ERL_NIF_TERM*>(made + 1);
    for (const ERL_NIF_TERM element : elements(tuple)) *target++ = enif_make_copy(env, element);
    return to_term(made, Tag::kBlock);
}

ERL_NIF_TERM copy_binary(ErlNifEnv* env, const Binary* binary) {
    if (binary->shared != nullptr) return make_shared_binary(env, *binary->shared, binary->size);
    ERL_NIF_TERM copy = 0;
    unsigned char* data = enif_make_new_binary(env, binary->size, &copy);
    std::copy_n(binary->data, binary->size, data);
    return copy;
}

}  // namespace

void* enif_environment_t::allocate_bytes(std::size_t size) {
    const std::size_t taken = (size + 7) / 8 * 8 + kGap;
    if (taken > left_) {
        const std::size_t usual = kFirstChunk << std::min<std::size_t>(chunks_.size(), 16);
        left_ = std::max(taken, std::min(usual, kLargestChunk));
        chunks_.push_back(std::make_unique_for_overwrite<std::byte[]>(left_));
        next_ = chunks_.back().get();
        ASAN_POISON_MEMORY_REGION(next_, left_);
    }
    std::byte* block = next_;
    next_ += taken;
    left_ -= taken;
    ASAN_UNPOISON_MEMORY_REGION(block, size);
    return block;
}

namespace stand_in {

ERL_NIF_TERM make_integer(ErlNifEnv* env, bool negative, std::span<const unsigned char> magnitude) {
    while (!magnitude.empty() && magnitude.back() == 0) {
        magnitude = magnitude.first(magnitude.size() - 1);
    }
    if (magnitude.size() < sizeof(std::int64_t)) {
        std::int64_t value = 0;
        for (std::size_t i = magnitude.size(); i-- > 0;) value = value << 8 | magnitude[i];
        if (value <= kMaxSmall) return small(negative ? -value : value);
    }
    auto* integer = env->allocate<Integer>(magnitude.size());
    *integer = {{Kind::kInteger}, negative, magnitude.size()};
    std::copy(magnitude.begin(), magnitude.end(), reinterpret_cast<unsigned char*>(integer + 1));
    return to_term(integer, Tag::kBlock);
}

ERL_NIF_TERM make_shared_binary(ErlNifEnv* env, SharedBytes data, std::size_t size) {
    auto* binary = env->allocate<Binary>();
    const SharedBytes* kept = env->keep(std::move(data));
    *binary = {{Kind::kBinary}, size, kept->get(), kept};
    return to_term(binary, Tag::kBlock);
}

}  // namespace stand_in

extern "C" {

ErlNifEnv* enif_alloc_env() { return new enif_environment_t; }
void enif_free_env(ErlNifEnv* env) { delete env; }

ErlNifTermType enif_term_type(ErlNifEnv*, ERL_NIF_TERM term) {
    switch (tag_of(term)) {
        case Tag::kSmall:
            return ERL_NIF_TERM_TYPE_INTEGER;
        case Tag::kAtom:
            return ERL_NIF_TERM_TYPE_ATOM;
        case Tag::kNil:
        case Tag::kCell:
            return ERL_NIF_TERM_TYPE_LIST;
        case Tag::kBlock:
            break;
    }
    switch (reinterpret_cast<const Block*>(term)->kind) {
        case Kind::kFloat:
            return ERL_NIF_TERM_TYPE_FLOAT;
        case Kind::kInteger:
            return ERL_NIF_TERM_TYPE_INTEGER;
        case Kind::kBinary:
            return ERL_NIF_TERM_TYPE_BITSTRING;
        case Kind::kTuple:
            return ERL_NIF_TERM_TYPE_TUPLE;
        case Kind::kPid:
            return ERL_NIF_TERM_TYPE_PID;
        case Kind::kMap:
            break;
    }
    return ERL_NIF_TERM_TYPE_MAP;
}

ERL_NIF_TERM enif_make_copy(ErlNifEnv* env, ERL_NIF_TERM term) {
    if (tag_of(term) == Tag::kCell) return copy_list(env, term);
    if (tag_of(term) != Tag::kBlock) return term;
    if (const auto* number = block_of<Float>(term, Kind::kFloat)) {
        return enif_make_double(env, number->value);
    }
    if (const auto* integer = block_of<Integer>(term, Kind::kInteger)) {
        return make_integer(env, integer->negative, magnitude(integer));
    }
    if (const auto* binary = block_of<Binary>(term, Kind::kBinary)) return copy_binary(env, binary);
    if (const auto* tuple = block_of<Tuple>(term, Kind::kTuple)) return copy_tuple(env, tuple);
    if (const auto* pid = block_of<Pid>(term, Kind::kPid)) {
        auto* made = env->allocate<Pid>();
        *made = *pid;
        return to_term(made, Tag::kBlock);
    }
    return copy_map(env, block_of<Map>(term, Kind::kMap));
}

ERL_NIF_TERM enif_make_int64(ErlNifEnv* env, ErlNifSInt64 value) {
    if (value >= kMinSmall && value <= kMaxSmall) return small(value);
    const bool negative = value < 0;
    // Unsigned, since the least integer has no positive counterpart.
    auto absolute =
        negative ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
    unsigned char little[sizeof absolute];
    for (unsigned char& byte : little) {
        byte = static_cast<unsigned char>(absolute);
        absolute >>= 8;
    }
    return make_integer(env, negative, little);
}

int enif_get_int64(ErlNifEnv*, ERL_NIF_TERM term, ErlNifSInt64* value) {
    if (tag_of(term) == Tag::kSmall) {
        *value = small_value(term);
        return 1;
    }
    const auto* integer = block_of<Integer>(term, Kind::kInteger);
    if (integer == nullptr || integer->size > sizeof(std::uint64_t)) return 0;
    std::uint64_t absolute = 0;
    for (std::size_t i = integer->size; i-- > 0;) absolute = absolute << 8 | magnitude(integer)[i];
    constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<ErlNifSInt64>::max());
    if (absolute > kMax + (integer->negative ? 1 : 0)) return 0;
    *value = static_cast<ErlNifSInt64>(integer->negative ? 0 - absolute : absolute);
    return 1;
}

ERL_NIF_TERM enif_make_double(ErlNifEnv* env, double value) {
    auto* number = env->allocate<Float>();
    *number = {{Kind::kFloat}, value};
    return to_term(number, Tag::kBlock);
}

int enif_get_double(ErlNifEnv*, ERL_NIF_TERM term, double* value) {
    const auto* number = block_of<Float>(term, Kind::kFloat);
    if (number == nullptr) return 0;
    *value = number->value;
    return 1;
}

unsigned char* enif_make_new_binary(ErlNifEnv* env, size_t size, ERL_NIF_TERM* term) {
    if (size <= kMaxHeapBinary) {
        unsigned char* data = nullptr;
        *term = to_term(make_heap_binary(env, size, &data), Tag::kBlock);
        return data;
    }
    const std::shared_ptr<unsigned char[]> owner(new unsigned char[size]);
    *term = make_shared_binary(env, SharedBytes(owner, owner.get()), size);
    return owner.get();
}

int enif_inspect_binary(ErlNifEnv*, ERL_NIF_TERM term, ErlNifBinary* binary) {
    const auto* found = block_of<Binary>(term, Kind::kBinary);
    if (found == nullptr) return 0;
    *binary = {};
    binary->size = found->size;
    binary->data = const_cast<unsigned char*>(found->data);
    return 1;
}

ERL_NIF_TERM enif_make_list_from_array(ErlNifEnv* env, const ERL_NIF_TERM array[], unsigned count) {
    ERL_NIF_TERM list = kNil;
    if (count == 0) return list;
    auto* cells = env->allocate<Cell>((count - 1) * sizeof(Cell));
    for (std::size_t i = count; i-- > 0;) {
        cells[i] = {array[i], list};
        list = to_term(cells + i, Tag::kCell);
    }
    return list;
}

int enif_is_empty_list(ErlNifEnv*, ERL_NIF_TERM term) { return term == kNil ? 1 : 0; }

int enif_get_list_cell(ErlNifEnv*, ERL_NIF_TERM list, ERL_NIF_TERM* head, ERL_NIF_TERM* tail) {
    if (tag_of(list) != Tag::kCell) return 0;
    const Cell cell = *cell_of(list);
    *head = cell.head;
    *tail = cell.tail;
    return 1;
}

int enif_get_list_length(ErlNifEnv*, ERL_NIF_TERM list, unsigned* length) {
    *length = 0;
    for (; tag_of(list) == Tag::kCell; list = cell_of(list)->tail) ++*length;
    return list == kNil ? 1 : 0;
}

ERL_NIF_TERM enif_make_tuple_from_array(ErlNifEnv* env, const ERL_NIF_TERM array[],
                                        unsigned arity) {
    auto* tuple = env->allocate<Tuple>(arity * sizeof(ERL_NIF_TERM));
    *tuple = {{Kind::kTuple}, arity};
    std::copy_n(array, arity, reinterpret_cast<ERL_NIF_TERM*>(tuple + 1));
    return to_term(tuple, Tag::kBlock);
}

ERL_NIF_TERM enif_make_tuple(ErlNifEnv* env, unsigned arity, ...) {
    std::vector<ERL_NIF_TERM> elements(arity);
    va_list arguments;
    va_start(arguments, arity);
    for (ERL_NIF_TERM& element : elements) element = va_arg(arguments, ERL_NIF_TERM);
    va_end(arguments);
    return enif_make_tuple_from_array(env, elements.data(), arity);
}

int enif_get_tuple(ErlNifEnv*, ERL_NIF_TERM term, int* arity, const ERL_NIF_TERM** array) {
    const auto* tuple = block_of<Tuple>(term, Kind::kTuple);
    if (tuple == nullptr) return 0;
    *arity = static_cast<int>(tuple->arity);
    *array = elements(tuple).data();
    return 1;
}

// This stand-in has no local pids and ports.
int enif_get_local_pid(ErlNifEnv*, ERL_NIF_TERM, ErlNifPid*) { return 0; }
int enif_get_local_port(ErlNifEnv*, ERL_NIF_TERM, ErlNifPort*) { return 0; }

}  // extern "C"
