// SPDX-License-Identifier: Apache-2.0
// lock.h: a scope that holds an ErlNifMutex. Taken after the GIL, never before it, and never
// while waiting for anything.
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
