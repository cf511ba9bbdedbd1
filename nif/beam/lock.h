// SPDX-License-Identifier: Apache-2.0
// lock.h: holds an ErlNifMutex for a scope. Take it after the GIL, never before, and never hold it
// during a wait.
// Threads: any.
#pragma once

#include <erl_nif.h>

namespace nif {

class Lock {
public:
    explicit Lock(ErlNifMutex* mutex) noexcept : mutex_(mutex) { enif_mutex_lock(mutex_); }
    ~Lock() { enif_mutex_unlock(mutex_); }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

private:
    ErlNifMutex* mutex_;
};

}  // namespace nif
