// SPDX-License-Identifier: Apache-2.0
// Any term becomes an object or a documented error. The object becomes a term again, the same term
// where this is promised. From then on nothing changes.
#include "nif/beam/term_env.h"
#include "nif/conversion/python_to_term.h"
#include "nif/conversion/term_to_python.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/term_builder.h"

namespace fuzz {
namespace {

// Returns null when the term is refused.
PyRef to_python(Session& session, ErlNifEnv* env, ERL_NIF_TERM term, nif::Binaries binaries) {
    try {
        return nif::term_to_python(session.gil, session.conversion, env, term, binaries);
    } catch (const loop_bridge::PyError&) {
        expect_error(session.gil, {PyExc_TypeError, PyExc_RecursionError});
        return {};
    }
}

// Returns 0 when the object is refused. This may happen only when keys become equal, or when
// objects nest more deeply than terms can.
ERL_NIF_TERM to_term(Session& session, ErlNifEnv* env, PyObject* object) {
    try {
        return nif::python_to_term(session.gil, session.conversion, env, object, "value");
    } catch (const loop_bridge::PyError&) {
        expect_error(session.gil, {PyExc_ValueError});
        return 0;
    }
}

void check(Session& session, const TermBuilder& builder, ErlNifEnv* env, ERL_NIF_TERM term,
           nif::Binaries binaries) {
    const PyRef object = to_python(session, env, term, binaries);
    if (!object) return;

    const ERL_NIF_TERM back = to_term(session, env, object.get());
    expect(back != 0 || builder.has_map(), "what Python was given, Erlang takes");
    if (back == 0) return;
    expect(!builder.exact() || enif_is_identical(term, back) != 0, "a term comes back the same");

    const PyRef again = to_python(session, env, back, binaries);
    expect(again || builder.has_map() || builder.has_tagged_binary(),
           "what came back can be given again");
    if (!again) return;
    const ERL_NIF_TERM last = to_term(session, env, again.get());
    expect(last != 0 && (builder.has_tagged_binary() || enif_is_identical(back, last) != 0),
           "a second time nothing changes");
}

}  // namespace

void run(Session& session, std::span<const std::uint8_t> input) {
    ByteSource source(input);
    const nif::TermEnv env = nif::make_term_env();
    TermBuilder builder(env.get(), source);
    const ERL_NIF_TERM term = builder.build();
    check(session, builder, env.get(), term, nif::Binaries::kText);
    check(session, builder, env.get(), term, nif::Binaries::kBytes);
}

}  // namespace fuzz
