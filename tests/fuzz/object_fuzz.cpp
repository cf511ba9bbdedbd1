// SPDX-License-Identifier: Apache-2.0
// Any object becomes a term or a documented error. The term becomes an object, and this object
// always comes back as the same term.
#include "nif/beam/term_env.h"
#include "nif/conversion/python_to_term.h"
#include "nif/conversion/term_to_python.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/object_builder.h"

namespace fuzz {
namespace {

void convert(Session& session, PyObject* object, nif::Binaries binaries) {
    const nif::TermEnv env = nif::make_term_env();
    try {
        const ERL_NIF_TERM term =
            nif::python_to_term(session.gil, session.conversion, env.get(), object, "value");
        const PyRef back =
            nif::term_to_python(session.gil, session.conversion, env.get(), term, binaries);
        const ERL_NIF_TERM again =
            nif::python_to_term(session.gil, session.conversion, env.get(), back.get(), "value");
        expect(enif_is_identical(term, again) != 0, "what came back is sent as the same term");
    } catch (const loop_bridge::PyError&) {
        // Keys that differ in Python may be equal in Erlang, and the other way round.
        expect_error(session.gil, {PyExc_TypeError, PyExc_ValueError, PyExc_RecursionError,
                                   PyExc_OverflowError});
    }
}

}  // namespace

void run(Session& session, std::span<const std::uint8_t> input) {
    ByteSource source(input);
    ObjectBuilder builder(session, source);
    const PyRef object = builder.build();
    convert(session, object.get(), nif::Binaries::kText);
    convert(session, object.get(), nif::Binaries::kBytes);
    builder.untie();
}

}  // namespace fuzz
