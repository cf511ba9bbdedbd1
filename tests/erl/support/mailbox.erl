%% SPDX-License-Identifier: Apache-2.0
%% Calls that a caller has given up leave no message in its mailbox.
-module(mailbox).

-export([assert_empty/0]).

-spec assert_empty() -> ok.
assert_empty() ->
    {messages, []} = process_info(self(), messages),
    ok.
