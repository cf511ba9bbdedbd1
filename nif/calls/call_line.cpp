// SPDX-License-Identifier: Apache-2.0
#include "nif/calls/call_line.h"

#include <algorithm>

#include "nif/calls/channel_pool.h"

namespace nif {

using loop_bridge::ArrivalKind;
using loop_bridge::Completion;
using loop_bridge::EntryList;
using loop_bridge::EntryPtr;

CallLine::CallLine(ResourcePtr<ChannelResource> channel)
    : channel_(std::move(channel)), waiter_(channel_->channel(), Bridge::instance().max_spin()) {}

CallLine::~CallLine() {
    if (closed_ || !idle()) {
        channel_->close();
    } else {
        ChannelPool::instance().put(channel_);
    }
}

WaitingCall& CallLine::begin(Stack stack, loop_bridge::CallMeter::Ticket ticket) {
    calls_.push_back(std::make_unique<WaitingCall>(
        WaitingCall{channel_->next_id(), stack, std::move(ticket), nullptr}));
    return *calls_.back();
}

std::unique_ptr<WaitingCall> CallLine::end(const WaitingCall& call) noexcept {
    const auto found = std::find_if(calls_.begin(), calls_.end(),
                                    [&](const auto& one) { return one.get() == &call; });
    std::unique_ptr<WaitingCall> ended = std::move(*found);
    calls_.erase(found);
    return ended;
}

void CallLine::sort_in(EntryList arrived) noexcept {
    while (EntryPtr entry = arrived.pop_front()) {
        switch (static_cast<loop_bridge::Arrival&>(*entry).kind()) {
            case ArrivalKind::kCompletion: {
                auto& completion = static_cast<Completion&>(*entry);
                const auto call = std::find_if(calls_.begin(), calls_.end(), [&](const auto& one) {
                    return one->id == completion.id();
                });
                if (call == calls_.end() || (*call)->completion) {
                    Bridge::instance().meter.count_stale();
                } else {
                    static_cast<void>(entry.release());
                    (*call)->completion.reset(&completion);
                }
                break;
            }
            case ArrivalKind::kRequest:
                requests_.push_back(std::move(entry));
                break;
            case ArrivalKind::kGone:
                closed_ = true;
                break;
            case ArrivalKind::kAttached:
                break;
        }
    }
}

void CallLine::close() noexcept {
    closed_ = true;
    channel_->close();
}

bool CallLine::is_of(Stack stack) const noexcept {
    return std::all_of(calls_.begin(), calls_.end(),
                       [=](const auto& call) { return call->stack == stack; });
}

}  // namespace nif
