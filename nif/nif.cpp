// SPDX-License-Identifier: Apache-2.0
// nif.cpp: the native functions of module py_nif, their table, and load and upgrade.
// Threads: scheduler threads. Nothing here touches Python objects or blocks. Functions that take
//          long with large terms move to dirty schedulers.
#include <algorithm>
#include <string_view>

#include "nif/calls/channel_resource.h"
#include "nif/calls/reply.h"
#include "nif/conversion/shared_binary.h"
#include "nif/erlpy/main_signals.h"
#include "nif/interpreter/interpreter.h"
#include "nif/module/stats.h"
#include "nif/nif_arguments.h"
#include "nif/node/node.h"
#include "nif/requests/context_resource.h"
#include "nif/requests/request.h"

namespace nif {

using loop_bridge::EntryPtr;

namespace {

ERL_NIF_TERM start_python(ErlNifEnv* env, const ERL_NIF_TERM argv[]) {
    auto options = interpreter_options(env, argv[1]);
    apply_node_options(env, argv[1]);
    ++Node::instance().application_epoch;
    Interpreter::instance().start(std::move(options), {caller_pid(env), OwnedTerm{argv[0]}});
    return atoms.ok;
}

ERL_NIF_TERM run_main(ErlNifEnv* env, const ERL_NIF_TERM argv[]) {
    Interpreter::instance().run_main({caller_pid(env), OwnedTerm{argv[0]}});
    return atoms.ok;
}

ERL_NIF_TERM end_main(ErlNifEnv*, const ERL_NIF_TERM[]) {
    Interpreter::instance().end_main();
    return atoms.ok;
}

ERL_NIF_TERM end_by_signal(ErlNifEnv* env, const ERL_NIF_TERM argv[]) {
    nif::end_by_signal(static_cast<int>(uint64_argument(env, argv[0])));
    return atoms.ok;
}

ERL_NIF_TERM set_coordinator(ErlNifEnv* env, const ERL_NIF_TERM[]) {
    Node::instance().set_coordinator(caller_pid(env));
    return atoms.ok;
}

ERL_NIF_TERM attach(ErlNifEnv* env, const ERL_NIF_TERM argv[]) {
    const auto channel = resource_argument<ChannelResource>(env, argv[0]);
    return ChannelResource::attach(env, channel, caller_pid(env)) ? atoms.ok : atoms.closed;
}

ERL_NIF_TERM refuse(ErlNifEnv* env, const ERL_NIF_TERM argv[]) {
    ChannelResource::refuse(env, resource_argument<ChannelResource>(env, argv[0]));
    return atoms.ok;
}

// A reply to a closed channel is dropped: nobody waits for it.
ERL_NIF_TERM deliver(const ResourcePtr<ChannelResource>& channel, EntryPtr entry) {
    static_cast<void>(channel->channel().push(entry));
    return atoms.ok;
}

ERL_NIF_TERM reply(ErlNifEnv* env, const ERL_NIF_TERM argv[]) {
    const auto channel = resource_argument<ChannelResource>(env, argv[0]);
    const auto id = uint64_argument(env, argv[1]);
    return deliver(channel, std::make_unique<Reply>(id, env, argv[2]));
}

ERL_NIF_TERM fail(ErlNifEnv* env, const ERL_NIF_TERM argv[]) {
    const auto channel = resource_argument<ChannelResource>(env, argv[0]);
    const auto id = uint64_argument(env, argv[1]);
    return deliver(channel, std::make_unique<Failure>(id, env, argv[2], argv[3], argv[4], argv[5]));
}

ERL_NIF_TERM new_context(ErlNifEnv* env, const ERL_NIF_TERM argv[]) {
    PyObject* module = Interpreter::instance().module();
    if (module == nullptr) throw BadArgument{};
    const auto context = ResourcePtr<ContextResource>::make(caller_pid(env), argv[0], module);
    ContextResource::start(env, context);
    return context.term(env);
}

ERL_NIF_TERM close_context(ErlNifEnv* env, const ERL_NIF_TERM argv[]) {
    resource_argument<ContextResource>(env, argv[0])->close();
    return atoms.ok;
}

ERL_NIF_TERM give_up_context(ErlNifEnv* env, const ERL_NIF_TERM argv[]) {
    resource_argument<ContextResource>(env, argv[0])->give_up();
    return atoms.ok;
}

ERL_NIF_TERM stop_context(ErlNifEnv* env, const ERL_NIF_TERM argv[]) {
    resource_argument<ContextResource>(env, argv[0])->stop(env);
    return atoms.ok;
}

ERL_NIF_TERM watch_context(ErlNifEnv* env, const ERL_NIF_TERM argv[]) {
    resource_argument<ContextResource>(env, argv[0])->watch(env, caller_pid(env));
    return atoms.ok;
}

// `take` returns whether the target has taken the request.
template <class Take>
ERL_NIF_TERM submit(ErlNifEnv* env, ERL_NIF_TERM ref, ERL_NIF_TERM body, Take&& take) {
    const auto handle = ResourcePtr<RequestHandle>::make(caller_pid(env), ref);
    if (!RequestHandle::watch(env, handle)) return atoms.closed;  // the caller is exiting
    auto request = std::make_unique<Request>(handle, body);
    Request& sent = *request;
    EntryPtr entry = std::move(request);
    if (take(entry)) return enif_make_tuple2(env, atoms.ok, handle.term(env));
    sent.take_handle();  // the answer is the return value, not a message
    return atoms.closed;
}

ERL_NIF_TERM submit_to_context(ErlNifEnv* env, const ERL_NIF_TERM argv[]) {
    const auto context = resource_argument<ContextResource>(env, argv[0]);
    return submit(env, argv[1], argv[2], [&](EntryPtr& entry) { return context->submit(entry); });
}

ERL_NIF_TERM submit_to_channel(ErlNifEnv* env, const ERL_NIF_TERM argv[]) {
    const auto channel = resource_argument<ChannelResource>(env, argv[0]);
    return submit(env, argv[1], argv[2],
                  [&](EntryPtr& entry) { return channel->channel().push(entry); });
}

ERL_NIF_TERM abandon(ErlNifEnv* env, const ERL_NIF_TERM argv[]) {
    const auto handle = resource_argument<RequestHandle>(env, argv[0]);
    return RequestHandle::abandon(handle) ? atoms.abandoned : atoms.replied;
}

ERL_NIF_TERM stats(ErlNifEnv* env, const ERL_NIF_TERM[]) { return stats_term(env); }

ERL_NIF_TERM python_version(ErlNifEnv* env, const ERL_NIF_TERM[]) {
    // The version of the loaded library, which may be later than that of the build: "3.11.7 (main,
    // ...".
    std::string_view version{Py_GetVersion()};
    version = version.substr(0, version.find(' '));
    ERL_NIF_TERM term = 0;
    unsigned char* bytes = enif_make_new_binary(env, version.size(), &term);
    std::copy(version.begin(), version.end(), bytes);
    return term;
}

constexpr char kReply[] = "reply";
constexpr char kFail[] = "fail";
constexpr char kSubmitToContext[] = "submit_to_context";
constexpr char kSubmitToThread[] = "submit_to_thread";
constexpr char kSubmitToLoop[] = "submit_to_loop";

ErlNifFunc functions[] = {
    {"start_python", 2, nif_entry<start_python>, 0},  // Ref, Options
    {"run_main", 1, nif_entry<run_main>, 0},          // Ref
    {"end_main", 0, nif_entry<end_main>, 0},
    {"end_by_signal", 1, nif_entry<end_by_signal>, 0},      // Number
    {"set_coordinator", 0, nif_entry<set_coordinator>, 0},  //
    {"attach", 1, nif_entry<attach>, 0},                    // Channel
    {"refuse", 1, nif_entry<refuse>, 0},                    // Channel
    {kReply, 3, nif_entry_sized<reply, kReply>, 0},         // Channel, Id, Value
    {kFail, 6, nif_entry_sized<fail, kFail>, 0},        // Channel, Id, Kind, Reason, Stack, Text
    {"new_context", 1, nif_entry<new_context>, 0},      // Ref
    {"close_context", 1, nif_entry<close_context>, 0},  // Context
    {"give_up_context", 1, nif_entry<give_up_context>, 0},  // Context
    {"stop_context", 1, nif_entry<stop_context>, 0},        // Context
    {"watch_context", 1, nif_entry<watch_context>, 0},      // Context
    // Context, Ref, Request
    {kSubmitToContext, 3, nif_entry_sized<submit_to_context, kSubmitToContext>, 0},
    // Channel, Ref, Request
    {kSubmitToThread, 3, nif_entry_sized<submit_to_channel, kSubmitToThread>, 0},
    {kSubmitToLoop, 3, nif_entry_sized<submit_to_channel, kSubmitToLoop>, 0},
    {"abandon", 1, nif_entry<abandon>, 0},                // RequestHandle
    {"stats", 0, nif_entry<stats>, 0},                    //
    {"python_version", 0, nif_entry<python_version>, 0},  //
};

bool open_resources(ErlNifEnv* env) {
    return Resource<ChannelResource>::open(env) && Resource<ContextResource>::open(env) &&
           Resource<RequestHandle>::open(env) && open_shared_binary_resource(env);
}

int load(ErlNifEnv* env, void**, ERL_NIF_TERM) {
    init_atoms(env);
    return open_resources(env) ? 0 : 1;
}

// New code of py_nif takes over the library and its state. Calls in flight go on.
int upgrade(ErlNifEnv* env, void**, void**, ERL_NIF_TERM) {
    init_atoms(env);
    return open_resources(env) ? 0 : 1;
}

}  // namespace

}  // namespace nif

ERL_NIF_INIT(py_nif, nif::functions, nif::load, nullptr, nif::upgrade, nullptr)
