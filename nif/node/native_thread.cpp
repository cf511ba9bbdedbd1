// SPDX-License-Identifier: Apache-2.0
#include "nif/node/native_thread.h"

#include <pthread.h>

#include <memory>
#include <string>
#include <system_error>

#include "nif/beam/contain.h"
#include "nif/node/thread_name.h"

namespace nif {

namespace {

constexpr std::size_t kStackBytes = 16UL * 1024 * 1024;

struct Start {
    std::string name;
    std::function<void()> body;
};

void* run(void* argument) noexcept {
    const std::unique_ptr<Start> start{static_cast<Start*>(argument)};
    name_this_thread(start->name.c_str());
    contain(start->name.c_str(), start->body);
    return nullptr;
}

}  // namespace

void start_native_thread(const char* name, std::function<void()> body) {
    auto start = std::make_unique<Start>(Start{name, std::move(body)});
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, kStackBytes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_t thread{};
    const int error = pthread_create(&thread, &attributes, run, start.get());
    pthread_attr_destroy(&attributes);
    if (error != 0) throw std::system_error(error, std::generic_category(), "pthread_create");
    static_cast<void>(start.release());  // the thread owns it now
}

}  // namespace nif
