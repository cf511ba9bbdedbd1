# SPDX-License-Identifier: Apache-2.0
[inputs: ["*.exs", "lib/**/*.ex", "tests/elixir/**/*.{ex,exs}"], line_length: 100]
