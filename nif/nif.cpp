// SPDX-License-Identifier: Apache-2.0
// nif.cpp: the native functions of module py_nif, their table, and load and upgrade.
// Threads: scheduler threads. Nothing here touches Python objects or blocks. Functions that take
//          long with large terms move to dirty schedulers.
#include <algorithm>
#include <stdexcept>
#include <string_view>

#include "nif/beam/nif_entry.h"
#include "nif/calls/channel_resource.h"
#include "nif/calls/reply.h"
#include "nif/conversion/shared_binary.h"
#include "nif/erlpy/main_signals.h"
#include "nif/interpreter/interpreter.h"
#include "nif/module/stats.h"
#include "nif/nif_arguments.h"
#include "nif/node/bridge.h"
#include "nif/requests/context_resource.h"
#include "nif/requests/request.h"

namespace nif {

using loop_bridge::EntryPtr;

namespace {

ERL_NIF_TERM start_python(CallingProcess caller, ERL_NIF_TERM ref, StartOptions options) {
    Bridge& bridge = Bridge::instance();
    bridge.wake_kind = options.channel;
    bridge.spin_microseconds = options.spin_microseconds;
    bridge.meter.set_limit(options.max_in_flight);
    none_spelling = options.none;
    bridge.binaries = options.binaries;
    ++bridge.application_epoch;
    Interpreter::instance().start(std::move(options.interpreter), {caller.pid, OwnedTerm{ref}});
    return atoms.ok;
}

ERL_NIF_TERM run_main(CallingProcess caller, ERL_NIF_TERM ref) {
    Interpreter::instance().run_main({caller.pid, OwnedTerm{ref}});
    return atoms.ok;
}

ERL_NIF_TERM end_main() {
    Interpreter::instance().end_main();
    return atoms.ok;
}

ERL_NIF_TERM end_by_signal(int number) {
    nif::end_by_signal(number);
    return atoms.ok;
}

ERL_NIF_TERM set_coordinator(CallingProcess caller) {
    Bridge::instance().set_coordinator(caller.pid);
    return atoms.ok;
}

ERL_NIF_TERM attach(ErlNifEnv* env, CallingProcess caller,
                    const ResourcePtr<ChannelResource>& channel) {
    return ChannelResource::attach(env, channel, caller.pid) ? atoms.ok : atoms.closed;
}

ERL_NIF_TERM refuse(ErlNifEnv* env, const ResourcePtr<ChannelResource>& channel) {
    ChannelResource::refuse(env, channel);
    return atoms.ok;
}

// A reply to a closed channel is dropped: nobody waits for it.
ERL_NIF_TERM deliver(ChannelResource& channel, EntryPtr entry) {
    static_cast<void>(channel.channel().push(entry));
    return atoms.ok;
}

Binaries chosen(std::optional<Binaries> binaries) {
    return binaries ? *binaries : Bridge::instance().binaries.load(std::memory_order_relaxed);
}

ERL_NIF_TERM reply(ErlNifEnv* env, ChannelResource& channel, UInt64 id, ERL_NIF_TERM value,
                   std::optional<Binaries> binaries) {
    return deliver(channel, std::make_unique<Reply>(id.value, env, value, chosen(binaries)));
}

ERL_NIF_TERM fail(ErlNifEnv* env, ChannelResource& channel, UInt64 id, ERL_NIF_TERM kind,
                  ERL_NIF_TERM reason, ERL_NIF_TERM stacktrace, ERL_NIF_TERM text,
                  std::optional<Binaries> binaries) {
    return deliver(channel, std::make_unique<Failure>(id.value, env, kind, reason, stacktrace, text,
                                                      chosen(binaries), std::nullopt));
}

ERL_NIF_TERM fail_item(ErlNifEnv* env, ChannelResource& channel, UInt64 id, UInt64 item,
                       ERL_NIF_TERM kind, ERL_NIF_TERM reason, ERL_NIF_TERM stacktrace,
                       ERL_NIF_TERM text, std::optional<Binaries> binaries) {
    return deliver(channel, std::make_unique<Failure>(id.value, env, kind, reason, stacktrace, text,
                                                      chosen(binaries), item.value));
}

ERL_NIF_TERM new_context(ErlNifEnv* env, CallingProcess caller, ERL_NIF_TERM ref) {
    PyObject* module = Interpreter::instance().module();
    if (module == nullptr) throw std::runtime_error{"Python is not running in this node"};
    const auto context = ResourcePtr<ContextResource>::make(caller.pid, ref, module);
    ContextResource::start(env, context);
    return context.term(env);
}

ERL_NIF_TERM close_context(ContextResource& context) {
    context.close();
    return atoms.ok;
}

ERL_NIF_TERM give_up_context(ContextResource& context) {
    context.give_up();
    return atoms.ok;
}

ERL_NIF_TERM stop_context(ErlNifEnv* env, ContextResource& context) {
    context.stop(env);
    return atoms.ok;
}

ERL_NIF_TERM watch_context(ErlNifEnv* env, CallingProcess caller, ContextResource& context) {
    context.watch(env, caller.pid);
    return atoms.ok;
}

// `take` returns whether the target has taken the request.
template <class Take>
ERL_NIF_TERM submit(ErlNifEnv* env, const CallingProcess& caller, ERL_NIF_TERM ref,
                    ERL_NIF_TERM body, Take&& take) {
    const auto handle = ResourcePtr<RequestHandle>::make(caller.pid, ref);
    if (!RequestHandle::watch(env, handle)) return atoms.closed;  // the caller is exiting
    auto request = std::make_unique<Request>(handle, body);
    Request& sent = *request;
    EntryPtr entry = std::move(request);
    if (take(entry)) return enif_make_tuple2(env, atoms.ok, handle.term(env));
    sent.take_handle();  // the answer is the return value, not a message
    return atoms.closed;
}

ERL_NIF_TERM submit_to_context(ErlNifEnv* env, CallingProcess caller, ContextResource& context,
                               ERL_NIF_TERM ref, ERL_NIF_TERM request) {
    return submit(env, caller, ref, request,
                  [&](EntryPtr& entry) { return context.submit(entry); });
}

ERL_NIF_TERM submit_to_channel(ErlNifEnv* env, CallingProcess caller, ChannelResource& channel,
                               ERL_NIF_TERM ref, ERL_NIF_TERM request) {
    return submit(env, caller, ref, request,
                  [&](EntryPtr& entry) { return channel.channel().push(entry); });
}

ERL_NIF_TERM abandon(const ResourcePtr<RequestHandle>& handle) {
    return RequestHandle::abandon(handle) ? atoms.abandoned : atoms.replied;
}

ERL_NIF_TERM stats(ErlNifEnv* env) { return stats_term(env); }

ERL_NIF_TERM python_version(ErlNifEnv* env) {
    // The version of the loaded library, which may be later than that of the build: "3.11.7 (main,
    // ...".
    std::string_view version{Py_GetVersion()};
    version = version.substr(0, version.find(' '));
    ERL_NIF_TERM term = 0;
    unsigned char* bytes = enif_make_new_binary(env, version.size(), &term);
    std::copy(version.begin(), version.end(), bytes);
    return term;
}

ErlNifFunc functions[] = {
    nif_entry<"start_python", start_python>(),
    nif_entry<"run_main", run_main>(),
    nif_entry<"end_main", end_main>(),
    nif_entry<"end_by_signal", end_by_signal>(),
    nif_entry<"set_coordinator", set_coordinator>(),
    nif_entry<"attach", attach>(),
    nif_entry<"refuse", refuse>(),
    nif_entry_sized<"reply", reply>(),
    nif_entry_sized<"fail", fail>(),
    nif_entry_sized<"fail_item", fail_item>(),
    nif_entry<"new_context", new_context>(),
    nif_entry<"close_context", close_context>(),
    nif_entry<"give_up_context", give_up_context>(),
    nif_entry<"stop_context", stop_context>(),
    nif_entry<"watch_context", watch_context>(),
    nif_entry_sized<"submit_to_context", submit_to_context>(),
    nif_entry_sized<"submit_to_thread", submit_to_channel>(),
    nif_entry_sized<"submit_to_loop", submit_to_channel>(),
    nif_entry<"abandon", abandon>(),
    nif_entry<"stats", stats>(),
    nif_entry<"python_version", python_version>(),
};

bool open_resources(ErlNifEnv* env) {
    return Resource<ChannelResource>::open(env) && Resource<ContextResource>::open(env) &&
           Resource<RequestHandle>::open(env) && open_shared_binary_resource(env);
}

bool begin(ErlNifEnv* env) {
    init_atoms(env);
    return open_resources(env);
}

int load(ErlNifEnv* env, void**, ERL_NIF_TERM) {
    return load_entry([=] { return begin(env); });
}

// New code of py_nif takes over the library and its state. Calls in flight go on.
int upgrade(ErlNifEnv* env, void**, void**, ERL_NIF_TERM) {
    return load_entry([=] { return begin(env); });
}

}  // namespace

}  // namespace nif

ERL_NIF_INIT(py_nif, nif::functions, nif::load, nullptr, nif::upgrade, nullptr)
