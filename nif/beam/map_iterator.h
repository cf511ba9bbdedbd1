// SPDX-License-Identifier: Apache-2.0
// map_iterator.h: walks the entries of an Erlang map.
// Threads: any.
#pragma once

#include <erl_nif.h>

namespace nif {

class MapIterator {
public:
    MapIterator(ErlNifEnv* env, ERL_NIF_TERM map) : env_(env) {
        started_ = enif_map_iterator_create(env, map, &iterator_, ERL_NIF_MAP_ITERATOR_FIRST) != 0;
    }
    ~MapIterator() {
        if (started_) enif_map_iterator_destroy(env_, &iterator_);
    }
    MapIterator(const MapIterator&) = delete;
    MapIterator& operator=(const MapIterator&) = delete;

    // Goes to the next entry, or first to the first one. False after the last entry.
    bool next() {
        if (!started_) return false;
        if (moved_) enif_map_iterator_next(env_, &iterator_);
        moved_ = true;
        return enif_map_iterator_get_pair(env_, &iterator_, &key_, &value_) != 0;
    }
    ERL_NIF_TERM key() const noexcept { return key_; }
    ERL_NIF_TERM value() const noexcept { return value_; }

private:
    ErlNifEnv* env_;
    ErlNifMapIterator iterator_{};
    ERL_NIF_TERM key_ = 0;
    ERL_NIF_TERM value_ = 0;
    bool started_ = false;
    bool moved_ = false;
};

}  // namespace nif
