// SPDX-License-Identifier: Apache-2.0
// object_builder.h: makes Python objects of arbitrary bytes. The conversions accept most of these
// objects and refuse some.
#pragma once

#include <vector>

#include "tests/fuzz/byte_source.h"
#include "tests/fuzz/fuzz_target.h"

namespace fuzz {

class ObjectBuilder {
public:
    ObjectBuilder(Session& session, ByteSource& source);

    PyRef build();
    // Afterwards no list contains itself, so that all objects can be freed.
    void untie();

private:
    PyRef build_scalar();
    PyRef build_integer();
    PyRef build_text();
    PyRef build_bytes();
    PyRef build_view();
    PyRef build_list();
    PyRef build_tuple();
    PyRef build_set();
    PyRef build_dict();
    PyRef build_special();
    PyRef build_again();

    Session& session_;
    ByteSource& source_;
    int depth_ = 0;
    PyRef specials_;
    std::vector<PyRef> made_;  // these objects can occur again, also inside themselves
};

}  // namespace fuzz
