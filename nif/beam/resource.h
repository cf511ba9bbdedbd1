// SPDX-License-Identifier: Apache-2.0
// resource.h: C++ objects that Erlang terms refer to.
// A class T becomes a resource by `static constexpr const char* kResourceName` and, when it
// monitors processes, `void on_down(ErlNifEnv*, const ErlNifMonitor&) noexcept`. A class whose
// objects are arguments of NIFs has a kErlangType, the type's name in error texts.
// Threads: destructors and on_down run on scheduler threads: they hand over, never wait.
#pragma once

#include <erl_nif.h>

#include <new>
#include <utility>

namespace nif {

template <class T>
class ResourcePtr;

template <class T>
class Resource {
public:
    // Called once in load or upgrade.
    static bool open(ErlNifEnv* env) {
        ErlNifResourceTypeInit init{};
        init.dtor = &destroy;
        if constexpr (requires(T & t, ErlNifMonitor & m) { t.on_down(env, m); }) init.down = &down;
        init.members = 3;
        const auto flags =
            static_cast<ErlNifResourceFlags>(ERL_NIF_RT_CREATE | ERL_NIF_RT_TAKEOVER);
        type_ = enif_init_resource_type(env, T::kResourceName, &init, flags, nullptr);
        if (type_ == nullptr) return false;
        // Never released: while an object lives, the BEAM does not unload the library. Our threads
        // need its code, even during init:stop(Status).
        auto* pinned = static_cast<Cell*>(enif_alloc_resource(type_, sizeof(Cell)));
        if (pinned == nullptr) return false;
        pinned->constructed = false;
        return true;
    }

    static ErlNifResourceType* type() noexcept { return type_; }

    static T* get(ErlNifEnv* env, ERL_NIF_TERM term) noexcept {
        void* cell = nullptr;
        if (enif_get_resource(env, term, type_, &cell) == 0) return nullptr;
        return static_cast<Cell*>(cell)->object();
    }

private:
    friend class ResourcePtr<T>;

    struct Cell {
        bool constructed;
        alignas(T) unsigned char storage[sizeof(T)];
        T* object() noexcept { return std::launder(reinterpret_cast<T*>(storage)); }
    };

    static Cell* cell_of(T* object) noexcept {
        return reinterpret_cast<Cell*>(reinterpret_cast<unsigned char*>(object) -
                                       offsetof(Cell, storage));
    }
    static void destroy(ErlNifEnv*, void* memory) noexcept {
        auto* cell = static_cast<Cell*>(memory);
        if (cell->constructed) cell->object()->~T();
    }
    static void down(ErlNifEnv* env, void* memory, ErlNifPid*, ErlNifMonitor* monitor) noexcept {
        static_cast<Cell*>(memory)->object()->on_down(env, *monitor);
    }

    static inline ErlNifResourceType* type_ = nullptr;
};

// One counted reference from C++ to a resource.
template <class T>
class ResourcePtr {
public:
    ResourcePtr() = default;
    template <class... Args>
    static ResourcePtr make(Args&&... args) {
        using Cell = typename Resource<T>::Cell;
        auto* cell = static_cast<Cell*>(enif_alloc_resource(Resource<T>::type_, sizeof(Cell)));
        if (cell == nullptr) throw std::bad_alloc{};
        cell->constructed = false;
        ResourcePtr made{cell->object()};  // released if the constructor throws
        new (cell->storage) T(std::forward<Args>(args)...);
        cell->constructed = true;
        return made;
    }
    // Another reference to an object that somebody else keeps alive during this call.
    static ResourcePtr share(T* object) noexcept {
        if (object != nullptr) enif_keep_resource(Resource<T>::cell_of(object));
        return ResourcePtr{object};
    }

    ResourcePtr(ResourcePtr&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
    ResourcePtr& operator=(ResourcePtr&& other) noexcept {
        std::swap(object_, other.object_);
        return *this;
    }
    ResourcePtr(const ResourcePtr& other) noexcept : ResourcePtr(share(other.object_)) {}
    ResourcePtr& operator=(const ResourcePtr& other) noexcept { return *this = ResourcePtr{other}; }
    ~ResourcePtr() {
        if (object_ != nullptr) enif_release_resource(cell());
    }

    ERL_NIF_TERM term(ErlNifEnv* env) const { return enif_make_resource(env, cell()); }
    // For enif_monitor_process and enif_demonitor_process.
    void* cell() const noexcept { return Resource<T>::cell_of(object_); }
    T* get() const noexcept { return object_; }
    T* operator->() const noexcept { return object_; }
    T& operator*() const noexcept { return *object_; }
    explicit operator bool() const noexcept { return object_ != nullptr; }
    void reset() noexcept { *this = ResourcePtr{}; }

private:
    explicit ResourcePtr(T* object) noexcept : object_(object) {}
    T* object_ = nullptr;
};

}  // namespace nif
