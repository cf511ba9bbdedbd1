// SPDX-License-Identifier: Apache-2.0
// ping_pong_nif.cpp: the floor below erlang.call. A native thread and an Erlang process wait for
// each other over a channel, one message at a time, without Python and without a registry.
// Threads: open, play, pong   scheduler threads
//          Game::run          a thread of its own, which ends with its last round
#include <erl_nif.h>

#include <chrono>
#include <system_error>
#include <thread>
#include <vector>

#include "loop_bridge/blocking_waiter.h"
#include "loop_bridge/channel.h"
#include "nif/beam/resource.h"
#include "nif/beam/term_env.h"

namespace {

using Clock = std::chrono::steady_clock;
using loop_bridge::WaitOutcome;
using nif::Resource;
using nif::ResourcePtr;

struct Table {
    static constexpr const char* kResourceName = "ping_pong_table";
    loop_bridge::Channel channel{loop_bridge::WakeKind::kEventFd};
};

class Pong final : public loop_bridge::Entry {
public:
    explicit Pong(ErlNifUInt64 round) noexcept : round_(round) {}
    ErlNifUInt64 round() const noexcept { return round_; }

private:
    ErlNifUInt64 round_;
};

struct Game {
    ResourcePtr<Table> table;
    ErlNifPid opponent;
    ErlNifPid asker;
    nif::OwnedTerm ref;
    ErlNifUInt64 rounds;
    std::chrono::microseconds spin;

    // Sends {ping_pong, Ref, Nanoseconds of each round}, or {ping_pong, Ref, lost}.
    void run() const {
        loop_bridge::BlockingWaiter waiter(table->channel, spin);
        std::vector<ErlNifUInt64> took;
        took.reserve(rounds);
        while (took.size() < rounds) {
            const auto start = Clock::now();
            ping(took.size());
            if (await_pong(waiter) != took.size()) break;
            took.push_back(static_cast<ErlNifUInt64>((Clock::now() - start).count()));
        }
        tell(took);
    }

private:
    void ping(ErlNifUInt64 round) const {
        const nif::TermEnv env = nif::make_term_env();
        const ERL_NIF_TERM message = enif_make_tuple2(env.get(), enif_make_atom(env.get(), "ping"),
                                                      enif_make_uint64(env.get(), round));
        enif_send(nullptr, &opponent, env.get(), message);
    }

    ErlNifUInt64 await_pong(loop_bridge::BlockingWaiter& waiter) const {
        while (waiter.wait(std::nullopt) != WaitOutcome::kEntries) {
        }
        return static_cast<const Pong&>(*table->channel.take_all().pop_front()).round();
    }

    void tell(const std::vector<ErlNifUInt64>& took) const {
        const nif::TermEnv env = nif::make_term_env();
        ERL_NIF_TERM times = enif_make_list(env.get(), 0);
        for (auto round = took.rbegin(); round != took.rend(); ++round) {
            times = enif_make_list_cell(env.get(), enif_make_uint64(env.get(), *round), times);
        }
        if (took.size() != rounds) times = enif_make_atom(env.get(), "lost");
        enif_send(nullptr, &asker, env.get(),
                  enif_make_tuple3(env.get(), enif_make_atom(env.get(), "ping_pong"),
                                   enif_make_copy(env.get(), ref.term), times));
    }
};

ERL_NIF_TERM open(ErlNifEnv* env, int, const ERL_NIF_TERM[]) {
    try {
        return ResourcePtr<Table>::make().term(env);
    } catch (const std::system_error&) {
        return enif_raise_exception(env, enif_make_atom(env, "no_descriptor"));
    }
}

ERL_NIF_TERM play(ErlNifEnv* env, int, const ERL_NIF_TERM argv[]) {
    Table* table = Resource<Table>::get(env, argv[0]);
    Game game{};
    ErlNifUInt64 spin = 0;
    if (table == nullptr || enif_get_local_pid(env, argv[1], &game.opponent) == 0 ||
        enif_get_uint64(env, argv[3], &game.rounds) == 0 ||
        enif_get_uint64(env, argv[4], &spin) == 0) {
        return enif_make_badarg(env);
    }
    game.table = ResourcePtr<Table>::share(table);
    game.ref = nif::OwnedTerm{argv[2]};
    game.spin = std::chrono::microseconds(spin);
    enif_self(env, &game.asker);
    std::thread([game = std::move(game)] { game.run(); }).detach();
    return enif_make_atom(env, "ok");
}

ERL_NIF_TERM pong(ErlNifEnv* env, int, const ERL_NIF_TERM argv[]) {
    Table* table = Resource<Table>::get(env, argv[0]);
    ErlNifUInt64 round = 0;
    if (table == nullptr || enif_get_uint64(env, argv[1], &round) == 0) {
        return enif_make_badarg(env);
    }
    loop_bridge::EntryPtr entry = std::make_unique<Pong>(round);
    static_cast<void>(table->channel.push(entry));
    return enif_make_atom(env, "ok");
}

ErlNifFunc functions[] = {
    {"open", 0, open, 0},  //
    {"play", 5, play, 0},  // Table, Opponent, Ref, Rounds, SpinMicroseconds
    {"pong", 2, pong, 0},  // Table, Round
};

int load(ErlNifEnv* env, void**, ERL_NIF_TERM) { return Resource<Table>::open(env) ? 0 : 1; }

}  // namespace

ERL_NIF_INIT(ping_pong, functions, load, nullptr, nullptr, nullptr)
