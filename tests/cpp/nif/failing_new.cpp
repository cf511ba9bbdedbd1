// SPDX-License-Identifier: Apache-2.0
// Replaces operator new for a whole process: one chosen allocation of the NIF library fails. Other
// libraries, which may not expect a failure, keep theirs.
#include <dlfcn.h>
#include <link.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <string_view>

namespace {

std::atomic<std::uintptr_t> begin{0};
std::atomic<std::uintptr_t> end{0};
std::atomic<long> left{0};  // until the failure; 0 and below: none follows

int find_library(dl_phdr_info* info, std::size_t, void*) {
    if (!std::string_view(info->dlpi_name).ends_with("/erlang_python_nif.so")) return 0;
    for (int i = 0; i < info->dlpi_phnum; ++i) {
        const auto& part = info->dlpi_phdr[i];
        if (part.p_type != PT_LOAD || (part.p_flags & PF_X) == 0) continue;
        begin = info->dlpi_addr + part.p_vaddr;
        end = info->dlpi_addr + part.p_vaddr + part.p_memsz;
    }
    return 1;
}

void* allocate(std::size_t size, const void* caller) noexcept {
    const auto place = reinterpret_cast<std::uintptr_t>(caller);
    if (left > 0 && place >= begin && place < end && left.fetch_sub(1) == 1) return nullptr;
    return std::malloc(size == 0 ? 1 : size);
}

}  // namespace

extern "C" {

// The `number'-th allocation of the NIF library from now on fails; 0: none. Returns whether the
// failure of the call before has happened.
[[gnu::visibility("default")]] int fail_new(long number) {
    if (begin == 0) dl_iterate_phdr(find_library, nullptr);
    return left.exchange(number) <= 0 ? 1 : 0;
}
}

[[gnu::visibility("default")]] void* operator new(std::size_t size) {
    void* memory = allocate(size, __builtin_return_address(0));
    if (memory == nullptr) throw std::bad_alloc{};
    return memory;
}

[[gnu::visibility("default")]] void* operator new(std::size_t size,
                                                  const std::nothrow_t&) noexcept {
    return allocate(size, __builtin_return_address(0));
}

[[gnu::visibility("default")]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::visibility("default")]] void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}
