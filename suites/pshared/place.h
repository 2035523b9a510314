// Where objects are while tests use them: memory of several kinds that processes or threads share,
// and that each of them sees at an address of its own.
#pragma once

#include <pthread.h>
#include <sys/types.h>

#include <new>
#include <string>
#include <type_traits>

#include "harness/test/test.h"

namespace ipcsuite::pshared_suite {

enum class Place {
  kInherited,  // anonymous shared memory: children have it where their parent has it
  kShm,        // a shared memory object; each process maps it elsewhere
  kFile,       // a regular file; each process maps it elsewhere
  kThreads,    // a shared memory object that one process maps twice; the other threads use the
               // second mapping
};
inline bool UsedByProcesses(Place place) { return place != Place::kThreads; }

// One page of such memory, zero at first. Unmapped at the end.
class Memory {
 public:
  explicit Memory(Place place);
  ~Memory();
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  // Where the calling process (kThreads: the calling thread) sees it. A child that was forked since
  // maps it anew when it asks for the first time, and unmaps what it inherited.
  char* Here() const;
  // Of a shared memory object or a file: how another program finds it; empty otherwise.
  const std::string& name() const { return name_; }

 private:
  char* Map() const;

  Place place_;
  UniqueName unique_;
  std::string name_;
  Fd fd_;
  pthread_t first_thread_ = pthread_self();
  mutable pid_t mapped_by_;
  mutable char* first_;
  char* second_ = nullptr;
};

// A value of type T in such memory. T must be trivially destructible.
template <typename T>
class Placed {
 public:
  explicit Placed(Place place) : memory_(place) {
    static_assert(std::is_trivially_destructible_v<T> && sizeof(T) <= 4096);
    new (memory_.Here()) T();
  }
  T* get() const { return reinterpret_cast<T*>(memory_.Here()); }
  T* operator->() const { return get(); }
  T& operator*() const { return *get(); }
  const std::string& name() const { return memory_.name(); }

 private:
  Memory memory_;
};

// Maps what Memory::name() names, in a program that was started by exec; null when that fails.
void* MapByName(const std::string& name);

}  // namespace ipcsuite::pshared_suite
