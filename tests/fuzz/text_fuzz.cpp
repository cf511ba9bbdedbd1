// SPDX-License-Identifier: Apache-2.0
// A binary becomes the choice of the reader, whatever its bytes are: bytes, or a str. The binaries
// that can't be a str are exactly those that Python's own UTF-8 decoder refuses.
#include <algorithm>
#include <memory>

#include "loop_bridge/python/py_error.h"
#include "nif/beam/atoms.h"
#include "nif/beam/term_env.h"
#include "nif/conversion/term_to_python.h"
#include "tests/fuzz/fuzz_target.h"

namespace fuzz {
namespace {

PyRef to_python(Session& session, ErlNifEnv* env, ERL_NIF_TERM term, nif::Binaries binaries) {
    try {
        return nif::term_to_python(session.gil, session.conversion, env, term, binaries);
    } catch (const loop_bridge::PyError&) {
        expect_error(session.gil, {PyExc_TypeError});
        return {};
    }
}

bool is_equal(const PyRef& object, PyObject* other) {
    return object && Py_TYPE(object.get()) == Py_TYPE(other) &&
           PyObject_RichCompareBool(object.get(), other, Py_EQ) == 1;
}

void check(Session& session, ErlNifEnv* env, ERL_NIF_TERM binary, PyObject* bytes, PyObject* text) {
    using nif::Binaries;
    const auto tagged = [&](ERL_NIF_TERM tag) { return enif_make_tuple2(env, tag, binary); };
    for (const Binaries binaries : {Binaries::kText, Binaries::kBytes}) {
        expect(is_equal(to_python(session, env, tagged(nif::atoms.bytes), binaries), bytes),
               "{bytes, Binary} is bytes, whoever reads it");
        const PyRef read = to_python(session, env, tagged(nif::atoms.text), binaries);
        expect(text == nullptr ? !read : is_equal(read, text),
               "{text, Binary} is a str or refused, whoever reads it");
    }
    expect(is_equal(to_python(session, env, binary, Binaries::kBytes), bytes), "bytes are bytes");
    const PyRef read = to_python(session, env, binary, Binaries::kText);
    expect(text == nullptr ? !read : is_equal(read, text), "text is a str or refused");
}

}  // namespace

void run(Session& session, std::span<const std::uint8_t> input) {
    // A block of exactly this size, for AddressSanitizer.
    const auto data = std::make_unique<unsigned char[]>(input.size());
    std::copy(input.begin(), input.end(), data.get());
    const std::string_view text(reinterpret_cast<const char*>(data.get()), input.size());
    const auto size = static_cast<Py_ssize_t>(text.size());
    const PyRef bytes = PyRef::steal(PyBytes_FromStringAndSize(text.data(), size));
    PyObject* decoded = PyUnicode_DecodeUTF8(text.data(), size, nullptr);
    if (decoded == nullptr) expect_error(session.gil, {PyExc_UnicodeDecodeError});

    const nif::TermEnv env = nif::make_term_env();
    ERL_NIF_TERM binary = 0;
    std::copy(text.begin(), text.end(), enif_make_new_binary(env.get(), text.size(), &binary));
    check(session, env.get(), binary, bytes.get(), decoded);
    Py_XDECREF(decoded);

    // This never makes an atom; the text may be of any kind and length.
    const auto atom = nif::find_atom(env.get(), text);
    expect(!atom || nif::atom_text(env.get(), *atom) == text, "an atom that is found has the text");
}

}  // namespace fuzz
