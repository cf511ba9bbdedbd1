%% SPDX-License-Identifier: Apache-2.0
%% Native memory that the earlier suites in the same node have lost. The suite needs the
%% AddressSanitizer of `./dev test --sanitize address', which includes LeakSanitizer. Python's
%% ctypes can call LeakSanitizer, so no NIF is needed.
-module(leak_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

all() ->
    cases:of_suite(?MODULE).

init_per_suite(Config) ->
    {ok, _} = application:ensure_all_started(erlang_python),
    Config.

end_per_suite(_Config) ->
    application:stop(erlang_python).

no_native_memory_is_lost(_Config) ->
    Check = <<"__import__('ctypes').CDLL(None).__lsan_do_recoverable_leak_check()">>,
    {ok, _} = py:gc(),
    %% The reports of LeakSanitizer have the details, and fail the run as well.
    ?assertEqual({ok, 0}, py:eval(Check, #{}, infinity)).
