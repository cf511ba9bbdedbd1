// SPDX-License-Identifier: Apache-2.0
// The bytes that count as text are exactly those that Python's own UTF-8 decoder accepts. Nothing
// is read beyond the end.
#include <algorithm>
#include <memory>

#include "nif/beam/atoms.h"
#include "nif/beam/term_env.h"
#include "nif/conversion/utf8.h"
#include "tests/fuzz/fuzz_target.h"

namespace fuzz {

void run(Session& session, std::span<const std::uint8_t> input) {
    // A block of exactly this size, for AddressSanitizer.
    const auto data = std::make_unique<unsigned char[]>(input.size());
    std::copy(input.begin(), input.end(), data.get());
    const nif::TextKind kind = nif::classify_text(data.get(), input.size());
    const bool ascii =
        std::all_of(input.begin(), input.end(), [](auto byte) { return byte < 0x80; });
    expect((kind == nif::TextKind::kAscii) == ascii, "ASCII is known as such");

    PyObject* decoded = PyUnicode_DecodeUTF8(reinterpret_cast<const char*>(data.get()),
                                             static_cast<Py_ssize_t>(input.size()), nullptr);
    if (decoded == nullptr) expect_error(session.gil, {PyExc_UnicodeDecodeError});
    expect((kind != nif::TextKind::kNotText) == (decoded != nullptr), "Python says the same");
    Py_XDECREF(decoded);

    // This never makes an atom; the text may be of any kind and length.
    const nif::TermEnv env = nif::make_term_env();
    const std::string_view text(reinterpret_cast<const char*>(data.get()), input.size());
    const auto atom = nif::find_atom(env.get(), text);
    expect(!atom || nif::atom_text(env.get(), *atom) == text, "an atom that is found has the text");
}

}  // namespace fuzz
