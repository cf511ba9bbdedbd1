// SPDX-License-Identifier: Apache-2.0
#include "nif/module/stats.h"

#include <array>
#include <string>

#include "nif/beam/atoms.h"
#include "nif/calls/channel_pool.h"
#include "nif/node/bridge.h"

namespace nif {

using loop_bridge::CallMeter;
using loop_bridge::Gil;
using loop_bridge::PyError;
using loop_bridge::PyRef;

namespace {

struct Counter {
    ERL_NIF_TERM name;
    std::uint64_t value;
};

std::array<Counter, 9> counters(const CallMeter::Snapshot& calls) {
    Bridge& bridge = Bridge::instance();
    const auto count = [](const auto& live) { return static_cast<std::uint64_t>(live.load()); };
    return {{{atoms.calls, calls.started},
             {atoms.in_flight, calls.in_flight},
             {atoms.refused, calls.refused},
             {atoms.stale, calls.stale},
             {atoms.total_us, calls.total_microseconds},
             {atoms.channels, count(bridge.channels)},
             {atoms.pooled_channels, ChannelPool::instance().size()},
             {atoms.contexts, count(bridge.contexts)},
             {atoms.loops, count(bridge.loops)}}};
}

void set_item(Gil, PyObject* dict, ERL_NIF_TERM key, const PyRef& value) {
    const TermEnv env = make_term_env();
    const std::string name = atom_text(env.get(), key).value();
    if (PyDict_SetItemString(dict, name.c_str(), value.get()) != 0) throw PyError{};
}

}  // namespace

ERL_NIF_TERM stats_term(ErlNifEnv* env) {
    const auto calls = Bridge::instance().meter.snapshot();
    ERL_NIF_TERM map = enif_make_new_map(env);
    for (const Counter& counter : counters(calls)) {
        enif_make_map_put(env, map, counter.name, enif_make_uint64(env, counter.value), &map);
    }
    std::array<ERL_NIF_TERM, CallMeter::kBuckets> buckets{};
    for (std::size_t i = 0; i < buckets.size(); ++i) {
        buckets[i] = enif_make_uint64(env, calls.histogram[i]);
    }
    enif_make_map_put(env, map, atoms.histogram,
                      enif_make_list_from_array(env, buckets.data(), buckets.size()), &map);
    return map;
}

PyRef stats_dict(Gil gil) {
    const auto calls = Bridge::instance().meter.snapshot();
    PyRef dict = PyRef::steal(PyDict_New());
    for (const Counter& counter : counters(calls)) {
        set_item(gil, dict.get(), counter.name,
                 PyRef::steal(PyLong_FromUnsignedLongLong(counter.value)));
    }
    const PyRef buckets = PyRef::steal(PyList_New(static_cast<Py_ssize_t>(calls.histogram.size())));
    for (std::size_t i = 0; i < calls.histogram.size(); ++i) {
        PyList_SET_ITEM(buckets.get(), static_cast<Py_ssize_t>(i),
                        PyRef::steal(PyLong_FromUnsignedLongLong(calls.histogram[i])).release());
    }
    set_item(gil, dict.get(), atoms.histogram, buckets);
    return dict;
}

}  // namespace nif
