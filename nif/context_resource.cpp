// SPDX-License-Identifier: Apache-2.0
#include "nif/context_resource.h"

#include "loop_bridge/blocking_waiter.h"
#include "nif/native_thread.h"
#include "nif/result_message.h"
#include "nif/thread_caller.h"

namespace nif {

using loop_bridge::Arrival;
using loop_bridge::ArrivalKind;
using loop_bridge::BlockingWaiter;
using loop_bridge::EntryList;
using loop_bridge::EntryPtr;
using loop_bridge::Gil;
using loop_bridge::GilAcquire;
using loop_bridge::GilRelease;

ContextResource::ContextResource(const ErlNifPid& owner, ERL_NIF_TERM ref)
    : channel_(Node::instance().wake_kind.load()), owner_(owner), ref_(ref) {
    ++Node::instance().contexts;
}

ContextResource::~ContextResource() { --Node::instance().contexts; }

void ContextResource::start(ErlNifEnv* env, const ResourcePtr<ContextResource>& self,
                            PyObject* module) {
    // Of no use to anybody when its maker is gone: who else would close it may be gone as well.
    enif_monitor_process(env, self.cell(), &self->owner_, nullptr);
    start_native_thread("py-context", [self, module] { self->run(module); });
}

void ContextResource::close() noexcept {
    // The thread itself closes the channel, since refusing what is queued sends messages, which
    // scheduler threads may not do in this way.
    EntryPtr end = std::make_unique<Arrival>(ArrivalKind::kGone);
    static_cast<void>(channel_.push(end));  // refused when it has ended already
}

void ContextResource::on_down(ErlNifEnv*, const ErlNifMonitor&) noexcept { close(); }

void ContextResource::run(PyObject* module) {
    const GilAcquire acquired;
    const Gil gil = acquired.gil();
    tell_owner_ready();
    BlockingWaiter waiter{channel_, Node::instance().max_spin()};
    for (bool open = true; open;) {
        EntryList arrived;
        {
            const GilRelease released{gil};
            static_cast<void>(waiter.wait(std::nullopt));
            arrived = channel_.take_all();
        }
        while (const EntryPtr entry = arrived.pop_front()) {
            if (static_cast<Arrival&>(*entry).kind() == ArrivalKind::kGone) {
                open = false;
                break;
            }
            ThreadCaller::current().run(gil, module, static_cast<Request&>(*entry));
        }
    }
    channel_.close();
}

void ContextResource::tell_owner_ready() noexcept {
    TermEnv env = make_term_env();
    const ERL_NIF_TERM ready = enif_make_atom(env.get(), "ready");
    send_result(nullptr, owner_, ref_, std::move(env), ready);
}

}  // namespace nif
