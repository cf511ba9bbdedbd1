// SPDX-License-Identifier: Apache-2.0
#include "nif/beam/term_size.h"

#include <algorithm>

#include "nif/beam/map_iterator.h"

namespace nif {

namespace {

// A look at an element takes about 10 ns, a copy up to 50 ns.
constexpr std::size_t kBudget = 5000;
constexpr int kMaxDepth = 32;

// Each method returns false when the budget or the depth is used up.
class Walk {
public:
    explicit Walk(ErlNifEnv* env) noexcept : env_(env) {}

    // Binaries over 64 bytes are shared, not copied. The content of a fun is hidden, so a fun
    // counts as large.
    bool visit(ERL_NIF_TERM term, int depth) noexcept {
        switch (enif_term_type(env_, term)) {
            case ERL_NIF_TERM_TYPE_LIST:
                return depth < kMaxDepth && visit_list(term, depth + 1);
            case ERL_NIF_TERM_TYPE_TUPLE:
                return depth < kMaxDepth && visit_tuple(term, depth + 1);
            case ERL_NIF_TERM_TYPE_MAP:
                return depth < kMaxDepth && visit_map(term, depth + 1);
            case ERL_NIF_TERM_TYPE_FUN:
                return false;
            default:
                return true;
        }
    }

private:
    bool visit_list(ERL_NIF_TERM list, int depth) noexcept {
        ERL_NIF_TERM head = 0;
        while (enif_get_list_cell(env_, list, &head, &list) != 0) {
            if (!spend(1) || !visit(head, depth)) return false;
        }
        return enif_is_empty_list(env_, list) != 0 || visit(list, depth);
    }

    bool visit_tuple(ERL_NIF_TERM tuple, int depth) noexcept {
        const ERL_NIF_TERM* elements = nullptr;
        int arity = 0;
        enif_get_tuple(env_, tuple, &arity, &elements);
        const auto count = static_cast<std::size_t>(arity);
        if (!spend(count)) return false;
        for (const ERL_NIF_TERM element : std::span{elements, count}) {
            if (!visit(element, depth)) return false;
        }
        return true;
    }

    bool visit_map(ERL_NIF_TERM map, int depth) noexcept {
        std::size_t size = 0;
        enif_get_map_size(env_, map, &size);
        if (!spend(2 * size)) return false;
        MapIterator entries{env_, map};
        while (entries.next()) {
            if (!visit(entries.key(), depth) || !visit(entries.value(), depth)) return false;
        }
        return true;
    }

    bool spend(std::size_t count) noexcept {
        if (count > left_) return false;
        left_ -= count;
        return true;
    }

    ErlNifEnv* env_;
    std::size_t left_ = kBudget;
};

}  // namespace

bool are_large(ErlNifEnv* env, std::span<const ERL_NIF_TERM> terms) noexcept {
    Walk walk{env};
    return !std::all_of(terms.begin(), terms.end(),
                        [&walk](ERL_NIF_TERM term) { return walk.visit(term, 0); });
}

}  // namespace nif
