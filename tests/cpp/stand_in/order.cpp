// SPDX-License-Identifier: Apache-2.0
// The order of terms, and its uses: identity, hashes, maps.
#include <algorithm>
#include <compare>
#include <functional>
#include <tuple>
#include <utility>

#include "tests/cpp/stand_in/term.h"

namespace stand_in {
namespace {

// Number < atom < pid < tuple < map < [] < list < binary.
int rank(ERL_NIF_TERM term) {
    switch (enif_term_type(nullptr, term)) {
        case ERL_NIF_TERM_TYPE_ATOM:
            return 1;
        case ERL_NIF_TERM_TYPE_PID:
            return 2;
        case ERL_NIF_TERM_TYPE_TUPLE:
            return 3;
        case ERL_NIF_TERM_TYPE_MAP:
            return 4;
        case ERL_NIF_TERM_TYPE_LIST:
            return term == kNil ? 5 : 6;
        case ERL_NIF_TERM_TYPE_BITSTRING:
            return 7;
        default:
            return 0;
    }
}

template <class T>
int order(const T& a, const T& b) {
    return static_cast<int>(b < a) - static_cast<int>(a < b);
}

// Good enough for numbers of different kinds. Where a double loses digits, numbers may seem equal.
double approximate(ERL_NIF_TERM number) {
    if (tag_of(number) == Tag::kSmall) return static_cast<double>(small_value(number));
    if (const auto* given = block_of<Float>(number, Kind::kFloat)) return given->value;
    const auto* integer = block_of<Integer>(number, Kind::kInteger);
    double value = 0;
    for (std::size_t i = integer->size; i-- > 0;) value = value * 256 + magnitude(integer)[i];
    return integer->negative ? -value : value;
}

int compare_big(const Integer* a, const Integer* b) {
    if (a->negative != b->negative) return a->negative ? -1 : 1;
    int result = order(a->size, b->size);
    for (std::size_t i = a->size; result == 0 && i-- > 0;) {
        result = order(magnitude(a)[i], magnitude(b)[i]);
    }
    return a->negative ? -result : result;
}

int compare_numbers(ERL_NIF_TERM a, ERL_NIF_TERM b, bool exact) {
    if (tag_of(a) == Tag::kSmall && tag_of(b) == Tag::kSmall) {
        return order(small_value(a), small_value(b));
    }
    const auto* left = block_of<Integer>(a, Kind::kInteger);
    const auto* right = block_of<Integer>(b, Kind::kInteger);
    if (left != nullptr && right != nullptr) return compare_big(left, right);
    if (exact) {
        const bool left_float = block_of<Float>(a, Kind::kFloat) != nullptr;
        const bool right_float = block_of<Float>(b, Kind::kFloat) != nullptr;
        if (left_float != right_float) return left_float ? 1 : -1;
    }
    return order(approximate(a), approximate(b));
}

auto parts(const Pid* pid) {
    return std::tuple(pid->creation, atom_text(pid->node), pid->serial, pid->id);
}

int compare_all(std::span<const ERL_NIF_TERM> a, std::span<const ERL_NIF_TERM> b, bool exact) {
    int result = 0;
    for (std::size_t i = 0; result == 0 && i < a.size(); ++i) result = compare(a[i], b[i], exact);
    return result;
}

int compare_maps(const Map* a, const Map* b, bool exact) {
    int result = order(a->size, b->size);
    if (result == 0) result = compare_all(keys(a), keys(b), true);
    return result != 0 ? result : compare_all(values(a), values(b), exact);
}

int compare_lists(ERL_NIF_TERM a, ERL_NIF_TERM b, bool exact) {
    while (tag_of(a) == Tag::kCell && tag_of(b) == Tag::kCell) {
        if (const int result = compare(cell_of(a)->head, cell_of(b)->head, exact)) return result;
        a = cell_of(a)->tail;
        b = cell_of(b)->tail;
    }
    return compare(a, b, exact);
}

int compare_binaries(const Binary* a, const Binary* b) {
    const auto result = std::lexicographical_compare_three_way(bytes(a).begin(), bytes(a).end(),
                                                               bytes(b).begin(), bytes(b).end());
    return static_cast<int>(result > 0) - static_cast<int>(result < 0);
}

using Entry = std::pair<ERL_NIF_TERM, ERL_NIF_TERM>;

bool key_is_less(const Entry& a, const Entry& b) { return compare(a.first, b.first, true) < 0; }

// `entries` are ordered by their keys.
ERL_NIF_TERM make_map(ErlNifEnv* env, const std::vector<Entry>& entries) {
    auto* map = env->allocate<Map>(2 * entries.size() * sizeof(ERL_NIF_TERM));
    *map = {{Kind::kMap}, entries.size()};
    auto* key = reinterpret_cast<ERL_NIF_TERM*>(map + 1);
    auto* value = key + entries.size();
    for (const Entry& entry : entries) {
        *key++ = entry.first;
        *value++ = entry.second;
    }
    return to_term(map, Tag::kBlock);
}

std::vector<Entry> entries_of(const Map* map) {
    std::vector<Entry> entries(map->size);
    for (std::size_t i = 0; i < map->size; ++i) entries[i] = {keys(map)[i], values(map)[i]};
    return entries;
}

}  // namespace

int compare(ERL_NIF_TERM a, ERL_NIF_TERM b, bool exact) {
    if (a == b) return 0;
    if (const int result = order(rank(a), rank(b))) return result;
    switch (enif_term_type(nullptr, a)) {
        case ERL_NIF_TERM_TYPE_ATOM:
            return order(atom_text(a), atom_text(b));
        case ERL_NIF_TERM_TYPE_PID:
            return order(parts(block_of<Pid>(a, Kind::kPid)), parts(block_of<Pid>(b, Kind::kPid)));
        case ERL_NIF_TERM_TYPE_TUPLE: {
            const auto* left = block_of<Tuple>(a, Kind::kTuple);
            const auto* right = block_of<Tuple>(b, Kind::kTuple);
            const int result = order(left->arity, right->arity);
            return result != 0 ? result : compare_all(elements(left), elements(right), exact);
        }
        case ERL_NIF_TERM_TYPE_MAP:
            return compare_maps(block_of<Map>(a, Kind::kMap), block_of<Map>(b, Kind::kMap), exact);
        case ERL_NIF_TERM_TYPE_LIST:
            return compare_lists(a, b, exact);
        case ERL_NIF_TERM_TYPE_BITSTRING:
            return compare_binaries(block_of<Binary>(a, Kind::kBinary),
                                    block_of<Binary>(b, Kind::kBinary));
        default:
            return compare_numbers(a, b, exact);
    }
}

}  // namespace stand_in

using namespace stand_in;

extern "C" {

int enif_compare(ERL_NIF_TERM a, ERL_NIF_TERM b) { return compare(a, b, false); }
int enif_is_identical(ERL_NIF_TERM a, ERL_NIF_TERM b) { return compare(a, b, true) == 0 ? 1 : 0; }

ErlNifUInt64 enif_hash(ErlNifHash, ERL_NIF_TERM term, ErlNifUInt64 salt) {
    ErlNifBinary external;
    if (enif_term_to_binary(nullptr, term, &external) == 0) return salt;
    const std::string_view text(reinterpret_cast<const char*>(external.data), external.size);
    const ErlNifUInt64 hash = std::hash<std::string_view>{}(text) ^ salt;
    enif_release_binary(&external);
    return hash;
}

// Repeated keys are refused at every size.
int enif_make_map_from_arrays(ErlNifEnv* env, ERL_NIF_TERM keys[], ERL_NIF_TERM values[],
                              size_t count, ERL_NIF_TERM* map) {
    std::vector<Entry> entries(count);
    for (std::size_t i = 0; i < count; ++i) entries[i] = {keys[i], values[i]};
    std::sort(entries.begin(), entries.end(), key_is_less);
    const auto same = [](const Entry& a, const Entry& b) {
        return compare(a.first, b.first, true) == 0;
    };
    if (std::adjacent_find(entries.begin(), entries.end(), same) != entries.end()) return 0;
    *map = make_map(env, entries);
    return 1;
}

int enif_make_map_put(ErlNifEnv* env, ERL_NIF_TERM map, ERL_NIF_TERM key, ERL_NIF_TERM value,
                      ERL_NIF_TERM* made) {
    const auto* given = block_of<Map>(map, Kind::kMap);
    if (given == nullptr) return 0;
    std::vector<Entry> entries = entries_of(given);
    const Entry added{key, value};
    const auto place = std::lower_bound(entries.begin(), entries.end(), added, key_is_less);
    if (place != entries.end() && compare(place->first, key, true) == 0) {
        place->second = value;
    } else {
        entries.insert(place, added);
    }
    *made = make_map(env, entries);
    return 1;
}

int enif_get_map_size(ErlNifEnv*, ERL_NIF_TERM term, size_t* size) {
    const auto* map = block_of<Map>(term, Kind::kMap);
    if (map == nullptr) return 0;
    *size = map->size;
    return 1;
}

int enif_map_iterator_create(ErlNifEnv*, ERL_NIF_TERM term, ErlNifMapIterator* iterator,
                             ErlNifMapIteratorEntry) {
    const auto* map = block_of<Map>(term, Kind::kMap);
    if (map == nullptr) return 0;
    *iterator = {};
    iterator->map = term;
    iterator->size = map->size;
    return 1;
}

void enif_map_iterator_destroy(ErlNifEnv*, ErlNifMapIterator*) {}

int enif_map_iterator_next(ErlNifEnv*, ErlNifMapIterator* iterator) {
    return ++iterator->idx < iterator->size ? 1 : 0;
}

int enif_map_iterator_get_pair(ErlNifEnv*, ErlNifMapIterator* iterator, ERL_NIF_TERM* key,
                               ERL_NIF_TERM* value) {
    if (iterator->idx >= iterator->size) return 0;
    const auto* map = block_of<Map>(iterator->map, Kind::kMap);
    *key = keys(map)[iterator->idx];
    *value = values(map)[iterator->idx];
    return 1;
}

}  // extern "C"
