// SPDX-License-Identifier: Apache-2.0
#include "nif/node/node.h"

#include "nif/beam/lock.h"

namespace nif {

Node& Node::instance() noexcept {
    static Node& node = *new Node;
    return node;
}

Node::Node() : mutex_(enif_mutex_create(const_cast<char*>("erlang_python_node"))) {}

void Node::set_coordinator(const ErlNifPid& pid) noexcept {
    const Lock lock{mutex_};
    coordinator_ = pid;
}

std::optional<ErlNifPid> Node::coordinator() noexcept {
    const Lock lock{mutex_};
    return coordinator_;
}

bool Node::tell_coordinator(TermEnv env, ERL_NIF_TERM message) noexcept {
    const auto pid = coordinator();
    return pid && enif_send(nullptr, &*pid, env.get(), message) != 0;
}

}  // namespace nif
