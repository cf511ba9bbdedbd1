// SPDX-License-Identifier: Apache-2.0
// object_builder.h: any Python object that the conversions know ways for, and some that they
// refuse, made of any bytes at all.
#pragma once

#include <vector>

#include "tests/fuzz/byte_source.h"
#include "tests/fuzz/fuzz_target.h"

namespace fuzz {

class ObjectBuilder {
public:
    ObjectBuilder(Session& session, ByteSource& source);

    PyRef build();
    // No list contains itself any longer, so that they can go.
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
    std::vector<PyRef> made_;  // to occur again, inside of themselves too
};

}  // namespace fuzz
