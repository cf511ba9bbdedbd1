// SPDX-License-Identifier: Apache-2.0
#include "loop_bridge/call_slots.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <set>
#include <unordered_map>
#include <vector>

namespace loop_bridge {
namespace {

// Move-only: the sanitizers report a lost value.
using Value = std::unique_ptr<int>;

Value value(int number) { return std::make_unique<int>(number); }

TEST(CallSlots, open_call_is_found_and_taken_once) {
    CallSlots<Value> slots;
    const CallId id = slots.open(value(7));
    ASSERT_NE(slots.find(id), nullptr);
    EXPECT_EQ(**slots.find(id), 7);
    EXPECT_EQ(slots.size(), 1U);
    const std::optional<Value> taken = slots.take(id);
    ASSERT_TRUE(taken.has_value());
    EXPECT_EQ(**taken, 7);
    EXPECT_EQ(slots.size(), 0U);
    EXPECT_EQ(slots.find(id), nullptr);
    EXPECT_FALSE(slots.take(id).has_value());
}

TEST(CallSlots, ids_never_opened_find_nothing) {
    CallSlots<Value> slots;
    EXPECT_EQ(slots.find(0), nullptr);
    const CallId id = slots.open(value(1));
    for (const CallId wrong : {CallId{0}, id + 1, id + kMaxSlots, id | (CallId{1} << 58), ~id}) {
        EXPECT_EQ(slots.find(wrong), nullptr);
        EXPECT_FALSE(slots.take(wrong).has_value());
    }
    EXPECT_NE(slots.find(id), nullptr);
}

TEST(CallSlots, stale_id_does_not_reach_the_next_call_in_its_slot) {
    CallSlots<Value> slots;
    const CallId old_id = slots.open(value(1));
    slots.take(old_id);
    const CallId new_id = slots.open(value(2));
    EXPECT_EQ(old_id % kMaxSlots, new_id % kMaxSlots) << "the slot was not used again";
    EXPECT_NE(old_id, new_id);
    EXPECT_EQ(slots.find(old_id), nullptr);
    EXPECT_FALSE(slots.take(old_id).has_value());
    EXPECT_EQ(**slots.find(new_id), 2);
}

TEST(CallSlots, ids_are_small_integers_of_the_beam_and_not_zero) {
    CallSlots<Value> slots;
    for (int i = 0; i < 1000; ++i) {
        const CallId id = slots.open(value(i));
        EXPECT_NE(id, 0U);
        EXPECT_LT(id, CallId{1} << 58);
        slots.take(id);
    }
}

TEST(CallSlots, sequential_calls_share_one_slot) {
    CallSlots<Value> slots;
    std::set<CallId> used;
    for (int i = 0; i < 1000; ++i) {
        const CallId id = slots.open(value(i));
        used.insert(id % kMaxSlots);
        slots.take(id);
    }
    EXPECT_EQ(used.size(), 1U);
}

TEST(CallSlots, refuses_beyond_the_limit_and_recovers) {
    CallSlots<Value> slots(3);
    std::vector<CallId> ids;
    for (int i = 0; i < 3; ++i) {
        ids.push_back(slots.open(value(i)));
    }
    EXPECT_THROW(static_cast<void>(slots.open(value(3))), std::length_error);
    EXPECT_EQ(slots.size(), 3U);
    slots.take(ids[1]);
    const CallId id = slots.open(value(4));
    EXPECT_EQ(**slots.find(id), 4);
    EXPECT_EQ(**slots.find(ids[0]), 0);
    EXPECT_EQ(**slots.find(ids[2]), 2);
}

TEST(CallSlots, pointer_stays_valid_while_others_open_and_end) {
    CallSlots<Value> slots;
    const CallId first = slots.open(value(1));
    Value* const found = slots.find(first);
    for (int i = 0; i < 10'000; ++i) {
        static_cast<void>(slots.open(value(i)));
    }
    EXPECT_EQ(slots.find(first), found);
    EXPECT_EQ(**found, 1);
}

TEST(CallSlots, drain_ends_every_call_once) {
    CallSlots<Value> slots;
    std::set<CallId> open;
    for (int i = 0; i < 100; ++i) {
        const CallId id = slots.open(value(i));
        if (i % 3 == 0) {
            slots.take(id);
        } else {
            open.insert(id);
        }
    }
    slots.drain([&](CallId id, Value&& ended) {
        EXPECT_NE(ended, nullptr);
        EXPECT_EQ(open.erase(id), 1U);
        EXPECT_EQ(slots.find(id), nullptr);
    });
    EXPECT_TRUE(open.empty());
    EXPECT_EQ(slots.size(), 0U);
}

TEST(CallSlots, for_each_shows_every_open_call) {
    CallSlots<Value> slots;
    const CallId first = slots.open(value(1));
    const CallId ended = slots.open(value(2));
    const CallId third = slots.open(value(3));
    slots.take(ended);
    std::set<CallId> shown;
    slots.for_each([&](CallId id, const Value&) { shown.insert(id); });
    EXPECT_EQ(shown, (std::set<CallId>{first, third}));
    EXPECT_EQ(slots.size(), 2U);
}

TEST(CallSlots, drain_allows_opening_and_taking_meanwhile) {
    CallSlots<Value> slots;
    std::vector<CallId> ids;
    for (int i = 0; i < 10; ++i) {
        ids.push_back(slots.open(value(i)));
    }
    int ended = 0;
    slots.drain([&](CallId, Value&&) {
        ++ended;
        slots.take(ids.back());
        static_cast<void>(slots.open(value(100)));
        static_cast<void>(slots.open(value(101)));
    });
    EXPECT_GE(ended, 9);
    EXPECT_GT(slots.size(), 0U);
    slots.drain([](CallId, Value&&) {});
    EXPECT_EQ(slots.size(), 0U);
}

TEST(CallSlots, agrees_with_a_map_over_random_operations) {
    std::mt19937 random(20'240'601);
    CallSlots<Value> slots;
    std::unordered_map<CallId, int> model;
    std::vector<CallId> known;
    for (int i = 0; i < 50'000; ++i) {
        if (known.empty() || random() % 2 == 0) {
            const CallId id = slots.open(value(i));
            ASSERT_TRUE(model.emplace(id, i).second) << "an id was given twice";
            known.push_back(id);
        } else {
            const CallId id = known[random() % known.size()];
            const auto expected = model.find(id);
            const std::optional<Value> taken = slots.take(id);
            ASSERT_EQ(taken.has_value(), expected != model.end());
            if (taken.has_value()) {
                ASSERT_EQ(**taken, expected->second);
                model.erase(expected);
            }
        }
        ASSERT_EQ(slots.size(), model.size());
    }
}

}  // namespace
}  // namespace loop_bridge
