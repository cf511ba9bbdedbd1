// SPDX-License-Identifier: Apache-2.0
// request_parts.h: what an Erlang process asks for, as the tuple that the Python side takes.
// Threads: any Python thread, with the GIL.
#pragma once

#include "nif/erlang_types.h"
#include "nif/nesting.h"

namespace nif {

// Each part is a value of its own to the caller, so errors name it: args[0]['k'], kwargs['x'],
// locals['y'], calls[1][2][0]. Throws PyError.
loop_bridge::PyRef request_to_python(loop_bridge::Gil gil, const ErlangTypes& types,
                                     const NestedRequest& body);

}  // namespace nif
