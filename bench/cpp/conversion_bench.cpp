// SPDX-License-Identifier: Apache-2.0
// The cost of conversion, by shape of value and direction. The code is that of nif/ and the
// interpreter is real. The terms are those of a stand-in for the BEAM (tests/cpp/stand_in/). Each
// direction has a floor beside it: the same objects made by CPython's API alone, the same terms
// made by enif_* alone.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "bench/cpp/conversion_floor.h"
#include "loop_bridge/python/drop_queue.h"
#include "loop_bridge/python/gil.h"
#include "loop_bridge/python/py_ref.h"
#include "nif/beam/atoms.h"
#include "nif/beam/term_env.h"
#include "nif/conversion/conversion_state.h"
#include "nif/conversion/python_to_term.h"
#include "nif/conversion/shared_binary.h"
#include "nif/conversion/term_to_python.h"
#include "tests/cpp/python/support/start_python.h"

namespace nif {
namespace {

struct Shape {
    const char* name;
    const char* expression;  // in Python; its value comes back unchanged
    Binaries binaries = Binaries::kText;
};

constexpr Shape kShapes[] = {
    {"small_integer", "42"},
    {"64_bit_integer", "2**62 + 1"},
    {"5000_bit_integer", "2**5000 - 7"},
    {"float", "0.1"},
    {"true", "True"},
    {"atom", "Atom('an_atom')"},
    {"short_text", "'hello world'"},
    {"short_non_ascii_text", "'größer ☃'"},
    {"100_bytes", "b'\\xff' * 100", Binaries::kBytes},
    {"64_KiB_of_bytes", "b'\\xff' * 65536", Binaries::kBytes},
    {"64_KiB_of_text", "'x' * 65536"},
    {"1000_integers", "list(range(-500, 500))"},
    {"1000_texts", "[f'text {i}' for i in range(1000)]"},
    {"200_tuples", "[(i, i / 3, f'name {i}') for i in range(200)]"},
    {"dict_of_10", "{f'key {i}': i for i in range(10)}"},
    {"dict_of_100", "{f'key {i}': i for i in range(100)}"},
    {"like_JSON",
     "{'id': 7, 'total': 20, 'next': None, 'items': [{'id': i, 'name': f'item {i}',"
     " 'price': i / 7, 'active': i % 2 == 0, 'tags': ['a', 'b'],"
     " 'size': {'width': i, 'height': 2 * i}} for i in range(20)]}"},
};

// One shape's value both as an object and as a term.
class Subject {
public:
    Subject(Gil gil, const ConversionState& conversion, const PyRef& variables, const Shape& shape)
        : gil_(gil),
          conversion_(conversion),
          binaries_(shape.binaries),
          value_(PyRef::steal(
              PyRun_String(shape.expression, Py_eval_input, variables.get(), variables.get()))),
          env_(make_term_env()),
          term_(to_term(env_.get())) {}

    ERL_NIF_TERM to_term(ErlNifEnv* env) const {
        return python_to_term(gil_, conversion_, env, value_.get(), "value");
    }
    PyRef to_python(ERL_NIF_TERM term) const {
        return term_to_python(gil_, conversion_, env_.get(), term, binaries_);
    }

    // The value must come back unchanged, also by the way of each floor.
    bool is_sound() const {
        const TermEnv other = make_term_env();
        return is_the_same(to_python(term_)) &&
               is_the_same(to_python(term_made_again(other.get(), term_))) &&
               is_the_same(object_made_again(gil_, value_.get()));
    }

    void run_to_term(benchmark::State& state) const {
        for (auto _ : state) {
            {
                const TermEnv env = make_term_env();
                benchmark::DoNotOptimize(to_term(env.get()));
            }
            loop_bridge::DropQueue::drain(gil_);
        }
        state.SetItemsProcessed(state.iterations());
    }
    void run_to_term_floor(benchmark::State& state) const {
        for (auto _ : state) {
            const TermEnv env = make_term_env();
            benchmark::DoNotOptimize(term_made_again(env.get(), term_));
        }
        state.SetItemsProcessed(state.iterations());
    }
    void run_to_python(benchmark::State& state) const {
        for (auto _ : state) benchmark::DoNotOptimize(to_python(term_));
        state.SetItemsProcessed(state.iterations());
    }
    void run_to_python_floor(benchmark::State& state) const {
        for (auto _ : state) benchmark::DoNotOptimize(object_made_again(gil_, value_.get()));
        state.SetItemsProcessed(state.iterations());
    }

private:
    // Equal in Python, and the same term: True, 1 and 1.0 are different terms.
    bool is_the_same(const PyRef& other) const {
        const TermEnv env = make_term_env();
        const ERL_NIF_TERM term =
            python_to_term(gil_, conversion_, env.get(), other.get(), "value");
        return PyObject_RichCompareBool(value_.get(), other.get(), Py_EQ) == 1 &&
               enif_is_identical(term_, term) != 0;
    }

    Gil gil_;
    const ConversionState& conversion_;
    Binaries binaries_;
    PyRef value_;
    TermEnv env_;
    ERL_NIF_TERM term_;
};

void add(const std::string& name, const Subject& subject,
         void (Subject::*run)(benchmark::State&) const) {
    benchmark::RegisterBenchmark(
        name.c_str(), [&subject, run](benchmark::State& state) { (subject.*run)(state); });
}

// False when a value came back changed.
bool run_all(Gil gil) {
    const PyRef module = PyRef::steal(PyModule_New("_erlang"));
    const ConversionState conversion = make_conversion_state(gil, module.get());
    const PyRef variables = PyRef::steal(PyDict_Copy(PyModule_GetDict(module.get())));
    if (PyDict_SetItemString(variables.get(), "__builtins__", PyEval_GetBuiltins()) < 0) {
        throw PyError{};
    }
    std::vector<std::unique_ptr<const Subject>> subjects;
    for (const Shape& shape : kShapes) {
        subjects.push_back(std::make_unique<Subject>(gil, conversion, variables, shape));
        const Subject& subject = *subjects.back();
        if (!subject.is_sound()) {
            std::fprintf(stderr, "%s does not come back as it went\n", shape.name);
            return false;
        }
        const std::string name = shape.name;
        add("to_term/" + name, subject, &Subject::run_to_term);
        add("to_term_floor/" + name, subject, &Subject::run_to_term_floor);
        add("to_python/" + name, subject, &Subject::run_to_python);
        add("to_python_floor/" + name, subject, &Subject::run_to_python_floor);
    }
    benchmark::RunSpecifiedBenchmarks();
    benchmark::ClearRegisteredBenchmarks();
    return true;
}

}  // namespace
}  // namespace nif

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
    const nif::TermEnv env = nif::make_term_env();
    nif::init_atoms(env.get());
    if (!nif::open_shared_binary_resource(env.get())) return 1;
    loop_bridge::start_python();
    const loop_bridge::GilAcquire lock;
    try {
        return nif::run_all(lock.gil()) ? 0 : 1;
    } catch (const loop_bridge::PyError&) {
        PyErr_Print();
        return 1;
    }
}
