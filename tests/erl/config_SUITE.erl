%% SPDX-License-Identifier: Apache-2.0
%% The application environment is checked at start, key by key.
-module(config_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

all() ->
    cases:of_suite(?MODULE).

every_key_has_a_default(_Config) ->
    {ok, Config} = py_config:check([]),
    #{
        python := Python,
        python_path := [],
        contexts := Contexts,
        max_contexts := 64,
        context_idle_timeout := 30000,
        max_in_flight := 1000000,
        binaries := text,
        channel := Channel,
        spin_us := _,
        loops := [],
        python_logging := stdio,
        none := none,
        structs := none,
        python_processes := false
    } = Config,
    ?assert(filelib:is_regular(Python)),
    ?assertEqual(erlang:system_info(schedulers), Contexts),
    ?assert(lists:member(Channel, [eventfd, pipe])),
    ?assertNot(maps:is_key(argv, Config)).

a_good_value_is_taken(Config) ->
    Folder = list_to_binary(proplists:get_value(priv_dir, Config)),
    lists:foreach(
        fun({Key, Value, Taken}) ->
            {ok, #{Key := Seen}} = py_config:check([{Key, Value}]),
            ?assertEqual({Key, Taken}, {Key, Seen})
        end,
        [
            {python_path, [Folder], [filename:absname(Folder)]},
            {python_path, [binary_to_list(Folder)], [filename:absname(Folder)]},
            {contexts, 3, 3},
            {max_contexts, 1024, 1024},
            {context_idle_timeout, infinity, infinity},
            {context_idle_timeout, 0, 0},
            {max_in_flight, 1, 1},
            {binaries, bytes, bytes},
            {binaries, text, text},
            {channel, pipe, pipe},
            {channel, eventfd, eventfd},
            {spin_us, 0, 0},
            {loops, [#{name => one}], [#{name => one}]},
            {python_logging, logger, logger},
            {python_logging, stdio, stdio},
            {none, nil, nil},
            {structs, elixir, elixir},
            {python_processes, true, true},
            {python_processes, false, false},
            {argv, ["-c", <<"pass">>], [<<"-c">>, <<"pass">>]}
        ]
    ).

a_bad_value_is_refused_with_its_key(_Config) ->
    lists:foreach(
        fun({Key, Value}) ->
            Checked = py_config:check([{Key, Value}]),
            ?assertMatch({Key, {error, {bad_option, Key, _, _}}}, {Key, Checked})
        end,
        [
            {python, 42},
            {python, "/no/such/python3"},
            {python, <<"no_such_interpreter">>},
            {python, [16#d800]},
            {python_path, "/tmp"},
            {python_path, [<<"/no/such/folder">>]},
            {python_path, [<<"/tmp">> | improper]},
            {contexts, 0},
            {contexts, 2.0},
            {contexts, all},
            {contexts, 100000},
            {max_contexts, infinity},
            {context_idle_timeout, -1},
            {max_in_flight, 0},
            {max_in_flight, infinity},
            {binaries, default},
            {binaries, "text"},
            {channel, socket},
            {spin_us, -1},
            {spin_us, 1000000},
            {loops, #{}},
            {loops, [[17]]},
            {loops, [#{loop => twisted}]},
            {python_logging, true},
            {none, null},
            {structs, true},
            {python_processes, yes},
            {argv, <<"-c">>},
            {argv, [c]}
        ]
    ).

an_unknown_key_is_refused(_Config) ->
    ?assertEqual(
        {error, {bad_option, max_context, 3, unknown_option}},
        py_config:check([{contexts, 1}, {max_context, 3}])
    ).

max_contexts_follows_contexts(_Config) ->
    ?assertMatch({ok, #{max_contexts := 100}}, py_config:check([{contexts, 100}])),
    ?assertEqual(
        {error, {bad_option, max_contexts, 4, {less_than_contexts, 8}}},
        py_config:check([{contexts, 8}, {max_contexts, 4}])
    ).

python_may_be_a_virtual_environment(Config) ->
    {ok, #{python := Python}} = py_config:check([]),
    Folder = filename:join(proplists:get_value(priv_dir, Config), "venv"),
    Link = filename:join([Folder, "bin", "python3"]),
    ?assertMatch({error, {bad_option, python, Folder, _}}, py_config:check([{python, Folder}])),
    ok = filelib:ensure_dir(Link),
    ?assertMatch(
        {error, {bad_option, python, Folder, not_a_virtual_environment}},
        py_config:check([{python, Folder}])
    ),
    ok = file:make_symlink(Python, Link),
    %% The path of the link itself: Python finds its virtual environment by this path.
    ?assertEqual(
        list_to_binary(Link), maps:get(python, element(2, py_config:check([{python, Folder}])))
    ).

a_problem_says_what_is_wrong_with_which_value(_Config) ->
    lists:foreach(
        fun({Key, Value, Bad, Why}) ->
            ?assertEqual({error, {bad_option, Key, Bad, Why}}, py_config:check([{Key, Value}]))
        end,
        [
            {contexts, 0, 0, {not_an_integer_between, 1, 1024}},
            {channel, socket, socket, {not_one_of, [eventfd, pipe]}},
            {python_path, ["/no/such/folder"], "/no/such/folder", no_such_folder},
            {python_path, [{priv_dir, stdlib, "no"}], {priv_dir, stdlib, "no"}, no_such_folder},
            {python_path, [{priv_dir, none, ""}], {priv_dir, none, ""}, no_such_application},
            {python, {priv_dir, none, ""}, {priv_dir, none, ""}, no_such_application},
            {python, "/no/such/python3", "/no/such/python3", no_such_executable},
            {python, 42, 42, not_text},
            {loops, [#{loop => curio}], #{loop => curio},
                {bad_option, loop, curio, {not_one_of, [auto, asyncio, uvloop]}}}
        ]
    ).

a_place_may_be_in_the_priv_folder_of_an_application(_Config) ->
    {ok, #{python := Python}} = py_config:check([]),
    Priv = list_to_binary(code:priv_dir(erlang_python)),
    ?assertMatch(
        {ok, #{python_path := [Modules, Priv]}} when Modules =:= <<Priv/binary, "/python">>,
        py_config:check([
            {python_path, [{priv_dir, erlang_python, "python"}, {priv_dir, erlang_python, <<>>}]}
        ])
    ),
    Link = filename:join(Priv, "python3_of_a_test"),
    ok = file:make_symlink(Python, Link),
    try
        ?assertMatch(
            {ok, #{python := Link}},
            py_config:check([{python, {priv_dir, erlang_python, "python3_of_a_test"}}])
        )
    after
        file:delete(Link)
    end.

python_path_follows_our_own_folder(_Config) ->
    {ok, Config} = py_config:check([{python_path, ["/tmp"]}]),
    #{path := [Own, <<"/tmp">>]} = py_config:python_options(Config),
    ?assertEqual(<<"python">>, filename:basename(Own)).

the_application_does_not_start_with_a_bad_option(_Config) ->
    _ = application:load(erlang_python),
    ok = application:set_env(erlang_python, spin_us, sometimes),
    try
        ?assertMatch(
            {error, {{bad_option, spin_us, sometimes, _}, {erlang_python_app, start, _}}},
            application:start(erlang_python)
        )
    after
        application:unset_env(erlang_python, spin_us)
    end.

loop_options_are_checked(_Config) ->
    Good = [
        #{},
        #{name => a_loop, loop => uvloop, stop_timeout => 0},
        #{name => {global, {a, loop}}, loop => auto},
        #{name => {via, some_registry, key}, loop => asyncio},
        #{main => {asyncio, <<"sleep">>, [1], #{result => 3}}},
        #{main => {"asyncio", "sleep", [1]}}
    ],
    [?assertEqual({ok, Options}, py_loop_options:check(Options)) || Options <- Good],
    ?assertEqual({ok, #{name => jobs}}, py_loop_options:check([{name, jobs}, {name, other}])),
    Bad = [
        {name, <<"a_loop">>},
        {name, undefined},
        {main, {asyncio, sleep}},
        {main, {"asyncio", <<"sleep">>, 1}},
        {main, {1, sleep, [], #{}}},
        {main, {asyncio, sleep, #{}, []}},
        {loop, curio},
        {stop_timeout, infinity},
        {stop_timeout, -1},
        {nmae, a_loop}
    ],
    [
        ?assertMatch({error, {bad_option, Key, Value, _}}, py_loop:start_link(#{Key => Value}))
     || {Key, Value} <- Bad
    ],
    ?assertEqual({error, {bad_option, options, loop, not_a_map_or_list}}, py_loop:start_link(loop)).
