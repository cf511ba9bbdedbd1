// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>

#include "nif/node/thread_name.h"

namespace nif {

void name_this_thread(const char* name) noexcept { pthread_setname_np(pthread_self(), name); }

}  // namespace nif
