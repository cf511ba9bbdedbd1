// SPDX-License-Identifier: Apache-2.0
// Any object becomes a term or a promised error; the term becomes an object, which from then on
// comes back as the same term.
#include "nif/python_to_term.h"
#include "nif/term_env.h"
#include "nif/term_to_python.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/object_builder.h"

namespace fuzz {
namespace {

void convert(Session& session, PyObject* object) {
    const nif::TermEnv env = nif::make_term_env();
    try {
        const ERL_NIF_TERM term =
            nif::python_to_term(session.gil, session.types, env.get(), object, "value");
        const PyRef back = nif::term_to_python(session.gil, session.types, env.get(), term);
        const ERL_NIF_TERM again =
            nif::python_to_term(session.gil, session.types, env.get(), back.get(), "value");
        expect(enif_is_identical(term, again) != 0, "what came back is sent as the same term");
    } catch (const nif::PyError&) {
        // Keys that were many in Python may be one in Erlang, and those of Erlang one in Python.
        expect_error(session.gil, {PyExc_TypeError, PyExc_ValueError, PyExc_RecursionError,
                                   PyExc_OverflowError});
    }
}

}  // namespace

void run(Session& session, std::span<const std::uint8_t> input) {
    ByteSource source(input);
    ObjectBuilder builder(session, source);
    const PyRef object = builder.build();
    convert(session, object.get());
    builder.untie();
}

}  // namespace fuzz
