// SPDX-License-Identifier: Apache-2.0
// Terms as bytes and as text: the external format of integers, atoms and pids, and printed terms.
#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <iterator>
#include <string>

#include "tests/cpp/stand_in/term.h"

namespace stand_in {
namespace {

// Tags of the external term format.
constexpr unsigned char kVersion = 131;
constexpr unsigned char kPid = 88;
constexpr unsigned char kSmallBig = 110;
constexpr unsigned char kLargeBig = 111;
constexpr unsigned char kAtomUtf8 = 118;
constexpr unsigned char kSmallAtomUtf8 = 119;

using Encoded = std::vector<unsigned char>;

void append(Encoded& to, std::size_t number, int size) {
    while (size-- > 0) to.push_back(static_cast<unsigned char>(number >> 8 * size));
}

void append_integer(Encoded& to, bool negative, std::span<const unsigned char> magnitude) {
    const bool large = magnitude.size() > 255;
    to.push_back(large ? kLargeBig : kSmallBig);
    append(to, magnitude.size(), large ? 4 : 1);
    to.push_back(negative ? 1 : 0);
    to.insert(to.end(), magnitude.begin(), magnitude.end());
}

void append_atom(Encoded& to, std::string_view text) {
    const bool large = text.size() > 255;
    to.push_back(large ? kAtomUtf8 : kSmallAtomUtf8);
    append(to, text.size(), large ? 2 : 1);
    // Not insert(): g++ 14 warns of a size below 0 there.
    std::copy(text.begin(), text.end(), std::back_inserter(to));
}

void append_pid(Encoded& to, const Pid* pid) {
    to.push_back(kPid);
    append_atom(to, atom_text(pid->node));
    for (const std::uint32_t part : {pid->id, pid->serial, pid->creation}) append(to, part, 4);
}

// Removes the bytes that it decodes; never reads beyond the end.
class Decoder {
public:
    explicit Decoder(std::span<const unsigned char> bytes) : bytes_(bytes) {}

    std::size_t number(int size) {
        std::size_t value = 0;
        for (const unsigned char byte : take(static_cast<std::size_t>(size))) {
            value = value << 8 | byte;
        }
        return value;
    }
    std::span<const unsigned char> take(std::size_t count) {
        if (count > bytes_.size()) {
            failed_ = true;
            return {};
        }
        const auto taken = bytes_.first(count);
        bytes_ = bytes_.subspan(count);
        return taken;
    }
    bool failed() const { return failed_; }
    std::size_t left() const { return bytes_.size(); }

private:
    std::span<const unsigned char> bytes_;
    bool failed_ = false;
};

// Returns 0 when the bytes are no atom, or an atom that may not be made.
ERL_NIF_TERM decode_atom(Decoder& from, std::size_t tag, bool may_make) {
    if (tag != kAtomUtf8 && tag != kSmallAtomUtf8) return 0;
    const auto text = from.take(from.number(tag == kAtomUtf8 ? 2 : 1));
    if (from.failed()) return 0;
    return find_atom({reinterpret_cast<const char*>(text.data()), text.size()}, may_make);
}

ERL_NIF_TERM decode_pid(ErlNifEnv* env, Decoder& from, bool may_make_atoms) {
    const ERL_NIF_TERM node = decode_atom(from, from.number(1), may_make_atoms);
    const auto part = [&from] { return static_cast<std::uint32_t>(from.number(4)); };
    const Pid pid{{Kind::kPid}, node, part(), part(), part()};
    if (node == 0 || from.failed()) return 0;
    auto* made = env->allocate<Pid>();
    *made = pid;
    return to_term(made, Tag::kBlock);
}

// Returns 0 when the bytes are no term, or an atom that may not be made.
ERL_NIF_TERM decode(ErlNifEnv* env, Decoder& from, bool may_make_atoms) {
    if (from.number(1) != kVersion) return 0;
    const std::size_t tag = from.number(1);
    if (tag == kSmallBig || tag == kLargeBig) {
        const std::size_t size = from.number(tag == kLargeBig ? 4 : 1);
        const bool negative = from.number(1) != 0;
        const auto digits = from.take(size);
        return from.failed() ? 0 : make_integer(env, negative, digits);
    }
    if (tag == kPid) return decode_pid(env, from, may_make_atoms);
    return decode_atom(from, tag, may_make_atoms);
}

// Prints terms until its budget of parts is used up.
class Printer {
public:
    explicit Printer(int parts) : parts_(parts) {}

    std::string text;

    void print(ERL_NIF_TERM term) {
        if (parts_-- <= 0) {
            text += "...";
        } else if (tag_of(term) == Tag::kAtom) {
            text += atom_text(term);
        } else if (tag_of(term) == Tag::kSmall) {
            text += std::to_string(small_value(term));
        } else if (tag_of(term) == Tag::kBlock) {
            print_block(term);
        } else {
            print_list(term);
        }
    }

private:
    void print_block(ERL_NIF_TERM term) {
        if (const auto* number = block_of<Float>(term, Kind::kFloat)) {
            text += std::to_string(number->value);
        } else if (const auto* integer = block_of<Integer>(term, Kind::kInteger)) {
            print_hexadecimal(integer);
        } else if (const auto* binary = block_of<Binary>(term, Kind::kBinary)) {
            print_all("<<", bytes(binary), ">>",
                      [this](unsigned char byte) { text += std::to_string(byte); });
        } else if (const auto* tuple = block_of<Tuple>(term, Kind::kTuple)) {
            print_all("{", elements(tuple), "}", [this](ERL_NIF_TERM part) { print(part); });
        } else if (const auto* pid = block_of<Pid>(term, Kind::kPid)) {
            text += "<" + std::to_string(pid->id) + "." + std::to_string(pid->serial) + ">";
        } else {
            const auto* map = block_of<Map>(term, Kind::kMap);
            std::size_t i = 0;
            print_all("#{", keys(map), "}", [this, map, &i](ERL_NIF_TERM key) {
                print(key);
                text += " => ";
                print(values(map)[i++]);
            });
        }
    }

    void print_hexadecimal(const Integer* integer) {
        text += integer->negative ? "-16#" : "16#";
        for (std::size_t i = integer->size; i-- > 0 && parts_-- > 0;) {
            const unsigned char byte = magnitude(integer)[i];
            text += {"0123456789ABCDEF"[byte >> 4], "0123456789ABCDEF"[byte & 15]};
        }
    }

    void print_list(ERL_NIF_TERM list) {
        text += "[";
        for (bool first = true; tag_of(list) == Tag::kCell && parts_ > 0; first = false) {
            if (!first) text += ",";
            print(cell_of(list)->head);
            list = cell_of(list)->tail;
        }
        if (list != kNil) {
            text += "|";
            parts_ > 0 ? print(list) : void(text += "...");
        }
        text += "]";
    }

    template <class Part, class Print>
    void print_all(const char* open, std::span<const Part> parts, const char* close,
                   Print&& print_part) {
        text += open;
        for (std::size_t i = 0; i < parts.size() && parts_-- > 0; ++i) {
            if (i != 0) text += ",";
            print_part(parts[i]);
        }
        text += close;
    }

    int parts_;
};

}  // namespace
}  // namespace stand_in

using namespace stand_in;

extern "C" {

// For integers, atoms and pids only.
int enif_term_to_binary(ErlNifEnv*, ERL_NIF_TERM term, ErlNifBinary* binary) {
    Encoded encoded{kVersion};
    if (const auto* integer = block_of<Integer>(term, Kind::kInteger)) {
        append_integer(encoded, integer->negative, magnitude(integer));
    } else if (tag_of(term) == Tag::kSmall) {
        const std::int64_t value = small_value(term);
        unsigned char little[8];
        for (int i = 0; i < 8; ++i) {
            little[i] = static_cast<unsigned char>((value < 0 ? -value : value) >> 8 * i);
        }
        append_integer(encoded, value < 0, little);
    } else if (tag_of(term) == Tag::kAtom) {
        append_atom(encoded, atom_text(term));
    } else if (const auto* pid = block_of<Pid>(term, Kind::kPid)) {
        append_pid(encoded, pid);
    } else {
        return 0;
    }
    *binary = {};
    binary->size = encoded.size();
    binary->data = new unsigned char[encoded.size()];
    std::copy(encoded.begin(), encoded.end(), binary->data);
    return 1;
}

void enif_release_binary(ErlNifBinary* binary) { delete[] binary->data; }

size_t enif_binary_to_term(ErlNifEnv* env, const unsigned char* data, size_t size,
                           ERL_NIF_TERM* term, unsigned options) {
    Decoder from({data, size});
    *term = decode(env, from, (options & ERL_NIF_BIN2TERM_SAFE) == 0);
    return *term != 0 ? size - from.left() : 0;
}

// nif/ uses only this format: "%.*T".
int enif_snprintf(char* buffer, size_t size, const char* format, ...) {
    if (std::string_view(format) != "%.*T") return -1;
    va_list arguments;
    va_start(arguments, format);
    Printer printer(va_arg(arguments, int));
    printer.print(va_arg(arguments, ERL_NIF_TERM));
    va_end(arguments);
    return std::snprintf(buffer, size, "%s", printer.text.c_str());
}

}  // extern "C"
