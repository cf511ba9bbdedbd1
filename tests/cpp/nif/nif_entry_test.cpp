// SPDX-License-Identifier: Apache-2.0
#include "nif/beam/nif_entry.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <new>
#include <stdexcept>
#include <system_error>
#include <vector>

#include "nif/beam/atoms.h"
#include "nif/beam/term_env.h"
#include "tests/cpp/stand_in/term.h"

namespace nif {
namespace {

struct Thing {
    static constexpr const char* kResourceName = "thing";
    static constexpr const char* kErlangType = "test:thing()";
};

ERL_NIF_TERM nothing() { return atoms.ok; }
ERL_NIF_TERM first(ErlNifEnv*, CallingProcess, ERL_NIF_TERM any, UInt64) { return any; }
ERL_NIF_TERM sum(ErlNifEnv* env, UInt64 one, CallingProcess, int other) {
    return enif_make_int64(env, static_cast<ErlNifSInt64>(one.value) + other);
}
ERL_NIF_TERM use(UInt64, Thing&, const ResourcePtr<Thing>&) { return atoms.ok; }

template <class Exception>
[[noreturn]] ERL_NIF_TERM fail() {
    throw Exception{};
}
[[noreturn]] ERL_NIF_TERM fail_with_text() { throw std::length_error{"too many"}; }
[[noreturn]] ERL_NIF_TERM fail_in_system() {
    throw std::system_error(EMFILE, std::generic_category(), "eventfd");
}

class NifEntryTest : public ::testing::Test {
protected:
    void SetUp() override { init_atoms(env_.get()); }

    ERL_NIF_TERM integer(ErlNifSInt64 value) { return enif_make_int64(env_.get(), value); }
    ERL_NIF_TERM call(const ErlNifFunc& nif, const std::vector<ERL_NIF_TERM>& arguments) {
        return nif.fptr(env_.get(), static_cast<int>(arguments.size()), arguments.data());
    }
    // The reason with which the NIF fails: an atom, or {Kind, Text} as "kind: text".
    std::string failure(const ErlNifFunc& nif, const std::vector<ERL_NIF_TERM>& arguments = {}) {
        call(nif, arguments);
        const ERL_NIF_TERM reason = stand_in::take_raised();
        if (enif_is_atom(env_.get(), reason) != 0) return *atom_text(env_.get(), reason);
        const ERL_NIF_TERM* parts = nullptr;
        int arity = 0;
        if (enif_get_tuple(env_.get(), reason, &arity, &parts) == 0) return "none";
        return *atom_text(env_.get(), parts[0]) + ": " + text(parts[1]);
    }

    TermEnv env_ = make_term_env();

private:
    std::string text(ERL_NIF_TERM list) {
        std::string read;
        ERL_NIF_TERM head = 0;
        while (enif_get_list_cell(env_.get(), list, &head, &list) != 0) {
            ErlNifSInt64 character = 0;
            enif_get_int64(env_.get(), head, &character);
            read.push_back(static_cast<char>(character));
        }
        return read;
    }
};

TEST_F(NifEntryTest, the_signature_determines_the_arity) {
    EXPECT_EQ((nif_entry<"nothing", nothing>().arity), 0U);
    EXPECT_EQ((nif_entry<"first", first>().arity), 2U);
    EXPECT_EQ((nif_entry_sized<"use", use>().arity), 3U);
    EXPECT_STREQ((nif_entry<"first", first>().name), "first");
}

TEST_F(NifEntryTest, arguments_are_read_in_the_order_of_the_parameters) {
    EXPECT_EQ(call(nif_entry<"first", first>(), {integer(7), integer(1)}), integer(7));
    EXPECT_EQ(call(nif_entry<"sum", sum>(), {integer(3), integer(-5)}), integer(-2));
    EXPECT_EQ(call(nif_entry<"nothing", nothing>(), {}), atoms.ok);
    EXPECT_EQ(stand_in::take_raised(), 0U);
}

TEST_F(NifEntryTest, a_wrong_argument_is_named_by_its_position) {
    const auto nif = nif_entry<"sum", sum>();
    EXPECT_EQ(failure(nif, {integer(-1), integer(1)}),
              "badarg: argument 1 must be an integer from 0 to 2^64 - 1");
    EXPECT_EQ(failure(nif, {integer(1), atoms.ok}),
              "badarg: argument 2 must be an integer of at most 32 bits");
    EXPECT_EQ(failure(nif, {integer(1), integer(ErlNifSInt64{1} << 31)}),
              "badarg: argument 2 must be an integer of at most 32 bits");
}

TEST_F(NifEntryTest, of_several_wrong_arguments_the_first_is_named) {
    EXPECT_EQ(failure(nif_entry<"sum", sum>(), {atoms.ok, atoms.ok}),
              "badarg: argument 1 must be an integer from 0 to 2^64 - 1");
    EXPECT_EQ(failure(nif_entry<"use", use>(), {integer(1), atoms.ok, atoms.ok}),
              "badarg: argument 2 must be a test:thing()");
}

TEST_F(NifEntryTest, every_exception_becomes_an_error_of_erlang) {
    EXPECT_EQ(failure(nif_entry<"fail", fail<std::bad_alloc>>()), "enomem");
    EXPECT_EQ(failure(nif_entry<"fail", fail_in_system>()),
              "system_error: eventfd: Too many open files");
    EXPECT_EQ(failure(nif_entry<"fail", fail_with_text>()), "native_error: too many");
    EXPECT_EQ(failure(nif_entry<"fail", fail<int>>()), "native_error: an unknown C++ exception");
}

TEST_F(NifEntryTest, large_arguments_move_to_a_dirty_scheduler_under_the_name_of_the_nif) {
    const auto nif = nif_entry_sized<"first", first>();
    const std::vector<ERL_NIF_TERM> many(1'000'000, atoms.ok);
    const ERL_NIF_TERM list =
        enif_make_list_from_array(env_.get(), many.data(), static_cast<unsigned>(many.size()));
    EXPECT_EQ(call(nif, {list, integer(1)}), list);
    EXPECT_EQ(stand_in::take_scheduled(), "first");
    EXPECT_EQ(call(nif, {atoms.ok, integer(1)}), atoms.ok);
    EXPECT_EQ(stand_in::take_scheduled(), "");
    EXPECT_EQ(failure(nif, {list, atoms.ok}),
              "badarg: argument 2 must be an integer from 0 to 2^64 - 1");
}

TEST_F(NifEntryTest, a_load_that_throws_fails) {
    EXPECT_EQ(load_entry([] { return true; }), 0);
    EXPECT_EQ(load_entry([] { return false; }), 1);
    EXPECT_EQ(load_entry([]() -> bool { throw std::bad_alloc{}; }), 1);
}

}  // namespace
}  // namespace nif
