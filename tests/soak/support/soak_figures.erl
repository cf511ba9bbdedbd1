%% SPDX-License-Identifier: Apache-2.0
%% The resources that the Erlang side of the node uses at one moment.
-module(soak_figures).

-export([soak_figures/1, soak_collect/1]).

soak_figures([]) ->
    {ok, Kept} = application:get_env(erlang_python, contexts),
    #{
        handlers := Handlers, functions := Functions, channels := Channels,
        pooled_channels := Pooled, contexts := Contexts, in_flight := InFlight, loops := Loops
    } = py:info(),
    #{
        processes => erlang:system_info(process_count),
        ports => erlang:system_info(port_count),
        atoms => erlang:system_info(atom_count),
        ets_tables => length(ets:all()),
        ets_memory => erlang:memory(ets),
        binary_memory => erlang:memory(binary),
        erlang_memory => erlang:memory(total),
        handlers => Handlers,
        functions => Functions,
        channels => Channels,
        pooled_channels => Pooled,
        contexts => maps:get(total, Contexts),
        contexts_idle => maps:get(idle, Contexts),
        contexts_kept => Kept,
        %% An eventfd is one descriptor, a pipe is two.
        channel_descriptors =>
            case application:get_env(erlang_python, channel) of
                {ok, pipe} -> 2;
                undefined -> 1
            end,
        contexts_given_up => maps:get(given_up, Contexts),
        in_flight => InFlight,
        loops => Loops,
        hosted_loops => length(py_loop_registry:all()),
        erlang_issued => soak_ledger:issued()
    }.

%% Garbage is no leak, so it is collected first. Returns the processes that have unread messages,
%% with the messages.
soak_collect([]) ->
    Self = self(),
    lists:append([collected(Pid) || Pid <- processes(), Pid =/= Self]).

collected(Pid) ->
    garbage_collect(Pid),
    case process_info(Pid, [messages, initial_call, current_function, dictionary]) of
        undefined -> [];
        [{messages, []} | _] -> [];
        Info -> [unicode:characters_to_binary(io_lib:format("~0P", [{Pid, Info}, 60]))]
    end.
