// SPDX-License-Identifier: Apache-2.0
#include "nif/calls/channel_resource.h"

#include "loop_bridge/python/arrival.h"
#include "nif/beam/lock.h"

namespace nif {

using loop_bridge::Arrival;
using loop_bridge::ArrivalKind;
using loop_bridge::EntryPtr;

namespace {

void push(loop_bridge::Channel& channel, EntryPtr arrival) noexcept {
    static_cast<void>(channel.push(arrival));  // refused when closed: nobody waits
}

}  // namespace

ChannelResource::ChannelResource()
    : channel_(Bridge::instance().wake_kind.load()),
      mutex_(enif_mutex_create(const_cast<char*>("erlang_python_channel"))) {
    ++Bridge::instance().channels;
}

ChannelResource::~ChannelResource() {
    enif_mutex_destroy(mutex_);
    --Bridge::instance().channels;
}

bool ChannelResource::open(const ResourcePtr<ChannelResource>& self, ChannelKind kind) {
    const auto coordinator = Bridge::instance().coordinator();
    if (!coordinator) return false;
    EntryPtr gone = std::make_unique<Arrival>(ArrivalKind::kGone);
    {
        const Lock lock{self->mutex_};
        self->phase_ = Phase::kOpening;
        self->gone_ = std::move(gone);
        if (enif_monitor_process(nullptr, self.cell(), &*coordinator, &self->monitor_) != 0) {
            self->phase_ = Phase::kGone;
            return false;
        }
    }
    TermEnv env = make_term_env();
    const ERL_NIF_TERM message = open_channel_message(env.get(), kind, self.term(env.get()));
    enif_send(nullptr, &*coordinator, env.get(), message);  // if it died, on_down() is called
    return true;
}

bool ChannelResource::attach(ErlNifEnv* env, const ResourcePtr<ChannelResource>& self,
                             const ErlNifPid& handler) {
    EntryPtr attached = std::make_unique<Arrival>(ArrivalKind::kAttached);
    {
        const Lock lock{self->mutex_};
        if (self->phase_ != Phase::kOpening || self->channel_.closed()) return false;
        ErlNifMonitor monitor;
        if (enif_monitor_process(env, self.cell(), &handler, &monitor) != 0) return false;
        // A DOWN of the coordinator may be under way. on_down() ignores it: it compares the
        // monitors.
        enif_demonitor_process(env, self.cell(), &self->monitor_);
        self->monitor_ = monitor;
        self->handler_ = handler;
        self->phase_ = Phase::kAttached;
    }
    push(self->channel_, std::move(attached));
    return true;
}

void ChannelResource::refuse(ErlNifEnv* env, const ResourcePtr<ChannelResource>& self) noexcept {
    EntryPtr gone;
    {
        const Lock lock{self->mutex_};
        if (self->phase_ != Phase::kOpening) return;
        enif_demonitor_process(env, self.cell(), &self->monitor_);
        self->phase_ = Phase::kGone;
        gone = std::move(self->gone_);
    }
    push(self->channel_, std::move(gone));
}

void ChannelResource::on_down(ErlNifEnv*, const ErlNifMonitor& monitor) noexcept {
    EntryPtr gone;
    {
        const Lock lock{mutex_};
        if (phase_ == Phase::kGone || enif_compare_monitors(&monitor, &monitor_) != 0) return;
        phase_ = Phase::kGone;
        gone = std::move(gone_);
    }
    push(channel_, std::move(gone));
}

void ChannelResource::send(TermEnv env, ERL_NIF_TERM message) noexcept {
    if (const auto pid = handler()) enif_send(nullptr, &*pid, env.get(), message);
}

void ChannelResource::close() noexcept {
    channel_.close();  // the destructors of queued entries refuse them
    if (!attached()) return;
    send(make_term_env(), stop_message());
}

bool ChannelResource::attached() noexcept {
    const Lock lock{mutex_};
    return phase_ == Phase::kAttached;
}

bool ChannelResource::gone() noexcept {
    const Lock lock{mutex_};
    return phase_ == Phase::kGone;
}

std::optional<ErlNifPid> ChannelResource::handler() noexcept {
    const Lock lock{mutex_};
    if (phase_ != Phase::kAttached) return std::nullopt;
    return handler_;
}

}  // namespace nif
