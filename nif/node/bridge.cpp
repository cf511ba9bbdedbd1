// SPDX-License-Identifier: Apache-2.0
#include "nif/node/bridge.h"

#include "nif/beam/lock.h"

namespace nif {

Bridge& Bridge::instance() noexcept {
    static Bridge& bridge = *new Bridge;
    return bridge;
}

Bridge::Bridge() : mutex_(enif_mutex_create(const_cast<char*>("erlang_python_node"))) {}

void Bridge::set_coordinator(const ErlNifPid& pid) noexcept {
    const Lock lock{mutex_};
    coordinator_ = pid;
}

std::optional<ErlNifPid> Bridge::coordinator() noexcept {
    const Lock lock{mutex_};
    return coordinator_;
}

bool Bridge::tell_coordinator(TermEnv env, ERL_NIF_TERM message) noexcept {
    const auto pid = coordinator();
    return pid && enif_send(nullptr, &*pid, env.get(), message) != 0;
}

}  // namespace nif
