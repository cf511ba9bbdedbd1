// SPDX-License-Identifier: Apache-2.0
#include "nif/interruption/waiting_thread.h"

namespace nif {

using loop_bridge::Channel;
using loop_bridge::Gil;

namespace {

WaitingThread* first = nullptr;

}  // namespace

WaitingThread::WaitingThread(Gil gil, Channel& channel) noexcept
    : thread_(this_thread(gil)), channel_(channel), next_(first), link_(&first) {
    if (next_ != nullptr) next_->link_ = &next_;
    first = this;
}

WaitingThread::~WaitingThread() {
    *link_ = next_;
    if (next_ != nullptr) next_->link_ = link_;
}

bool WaitingThread::wake(Gil, ThreadNumber thread) noexcept {
    for (WaitingThread* one = first; one != nullptr; one = one->next_) {
        if (one->thread_ != thread) continue;
        one->channel_.wake();
        return true;
    }
    return false;
}

}  // namespace nif
