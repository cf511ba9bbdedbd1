// SPDX-License-Identifier: Apache-2.0
#include "nif/beam/atoms.h"

#include <algorithm>

namespace nif {

namespace {

// External term format: in all supported OTP releases the only way to make atoms outside Latin-1.
constexpr char kVersion = static_cast<char>(131);
constexpr unsigned char kAtomUtf8 = 118;
constexpr unsigned char kSmallAtomUtf8 = 119;
constexpr unsigned char kAtomLatin1 = 100;

bool is_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::optional<ERL_NIF_TERM> decode_atom(ErlNifEnv* env, std::string_view utf8,
                                        ErlNifBinaryToTerm options) {
    if (utf8.size() > 4 * kMaxAtomLength) return std::nullopt;
    std::string external{kVersion, static_cast<char>(kAtomUtf8),
                         static_cast<char>(utf8.size() >> 8),
                         static_cast<char>(utf8.size() & 0xFF)};
    external += utf8;
    ERL_NIF_TERM term = 0;
    if (enif_binary_to_term(env, reinterpret_cast<const unsigned char*>(external.data()),
                            external.size(), &term, options) == 0) {
        return std::nullopt;
    }
    return term;
}

std::string latin1_to_utf8(const char* text, std::size_t length) {
    std::string utf8;
    utf8.reserve(length);
    for (std::size_t i = 0; i < length; ++i) {
        const auto c = static_cast<unsigned char>(text[i]);
        if (c < 0x80) {
            utf8 += static_cast<char>(c);
        } else {
            utf8 += static_cast<char>(0xC0 | (c >> 6));
            utf8 += static_cast<char>(0x80 | (c & 0x3F));
        }
    }
    return utf8;
}

std::optional<std::string> encoded_atom_text(ErlNifEnv* env, ERL_NIF_TERM term) {
    ErlNifBinary external;
    if (enif_term_to_binary(env, term, &external) == 0) return std::nullopt;
    std::optional<std::string> text;
    const unsigned char* data = external.data;
    if (external.size >= 3 && data[1] == kSmallAtomUtf8) {
        text.emplace(reinterpret_cast<const char*>(data + 3), external.size - 3);
    } else if (external.size >= 4 && data[1] == kAtomUtf8) {
        text.emplace(reinterpret_cast<const char*>(data + 4), external.size - 4);
    } else if (external.size >= 4 && data[1] == kAtomLatin1) {
        text = latin1_to_utf8(reinterpret_cast<const char*>(data + 4), external.size - 4);
    }
    enif_release_binary(&external);
    return text;
}

}  // namespace

Atoms atoms;
std::atomic<ERL_NIF_TERM> none_spelling;

void init_atoms(ErlNifEnv* env) {
    const auto atom = [env](const char* text) { return enif_make_atom(env, text); };
    atoms.true_ = atom("true");
    atoms.false_ = atom("false");
    atoms.none = atom("none");
    none_spelling = atoms.none;
    atoms.nil = atom("nil");
    atoms.undefined = atom("undefined");
    atoms.nan = atom("nan");
    atoms.infinity = atom("infinity");
    atoms.neg_infinity = atom("neg_infinity");
    atoms.bytes = atom("bytes");
    atoms.struct_ = atom("__struct__");
    atoms.text = atom("text");
    atoms.call = atom("call");
    atoms.calls = atom("calls");
    atoms.cancel = atom("cancel");
    atoms.stop = atom("stop");
    atoms.open_channel = atom("open_channel");
    atoms.thread = atom("thread");
    atoms.loop = atom("loop");
    atoms.stop_handler = atom("stop_handler");
    atoms.send = atom("send");
    atoms.default_ = atom("default");
    atoms.wait = atom("wait");
    atoms.refuse = atom("refuse");
    atoms.loop_ready = atom("loop_ready");
    atoms.lines = atom("lines");
    atoms.eval = atom("eval");
    atoms.exec = atom("exec");
    atoms.stream = atom("stream");
    atoms.stream_eval = atom("stream_eval");
    atoms.coroutine = atom("coroutine");
    atoms.async = atom("async");
    atoms.gather = atom("gather");
    atoms.host = atom("host");
    atoms.nested = atom("nested");
    atoms.py_result = atom("py_result");
    atoms.ok = atom("ok");
    atoms.error = atom("error");
    atoms.exit = atom("exit");
    atoms.ready = atom("ready");
    atoms.ended = atom("ended");
    atoms.stuck = atom("stuck");
    atoms.disconnected = atom("disconnected");
    atoms.exception = atom("exception");
    atoms.in_flight = atom("in_flight");
    atoms.refused = atom("refused");
    atoms.stale = atom("stale");
    atoms.total_us = atom("total_us");
    atoms.channels = atom("channels");
    atoms.pooled_channels = atom("pooled_channels");
    atoms.contexts = atom("contexts");
    atoms.loops = atom("loops");
    atoms.histogram = atom("histogram");
    atoms.closed = atom("closed");
    atoms.abandoned = atom("abandoned");
    atoms.replied = atom("replied");
    atoms.badarg = atom("badarg");
    atoms.system_error = atom("system_error");
    atoms.native_error = atom("native_error");
    atoms.enomem = atom("enomem");
}

std::optional<ERL_NIF_TERM> find_atom(ErlNifEnv* env, std::string_view utf8) {
    if (!is_ascii(utf8)) return decode_atom(env, utf8, ERL_NIF_BIN2TERM_SAFE);
    ERL_NIF_TERM term = 0;
    if (utf8.size() > kMaxAtomLength ||
        enif_make_existing_atom_len(env, utf8.data(), utf8.size(), &term, ERL_NIF_LATIN1) == 0) {
        return std::nullopt;
    }
    return term;
}

std::optional<ERL_NIF_TERM> make_atom(ErlNifEnv* env, std::string_view utf8) {
    if (!is_ascii(utf8)) return decode_atom(env, utf8, ErlNifBinaryToTerm{});
    if (utf8.size() > kMaxAtomLength) return std::nullopt;
    return enif_make_atom_len(env, utf8.data(), utf8.size());
}

std::optional<std::string> atom_text(ErlNifEnv* env, ERL_NIF_TERM term) {
    if (enif_is_atom(env, term) == 0) return std::nullopt;
    char text[kMaxAtomLength + 1];
    const int size = enif_get_atom(env, term, text, sizeof text, ERL_NIF_LATIN1);
    if (size == 0) return encoded_atom_text(env, term);
    return latin1_to_utf8(text, static_cast<std::size_t>(size) - 1);
}

}  // namespace nif
