// SPDX-License-Identifier: Apache-2.0
// request_parts.h: converts a request of an Erlang process to the tuple that the Python side takes.
// Threads: any Python thread, with the GIL.
#pragma once

#include "nif/conversion/conversion_state.h"
#include "nif/requests/nesting.h"

namespace nif {

// Errors name the part as the caller knows it: args[0]['k'], kwargs['x'], locals['y'],
// calls[1][2][0]. Throws PyError.
loop_bridge::PyRef request_to_python(loop_bridge::Gil gil, const ConversionState& conversion,
                                     const NestedRequest& body);

}  // namespace nif
