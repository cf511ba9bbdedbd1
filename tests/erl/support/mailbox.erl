%% SPDX-License-Identifier: Apache-2.0
%% What a caller finds in its mailbox after calls that it has given up: nothing.
-module(mailbox).

-export([assert_empty/0]).

-spec assert_empty() -> ok.
assert_empty() ->
    {messages, []} = process_info(self(), messages),
    ok.
