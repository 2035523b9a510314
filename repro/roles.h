// Who is who in a trace: which variable of the reproducer stands for a descriptor, an object, a
// name or a process.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "harness/core/functions.h"
#include "harness/core/trace.h"

namespace ipcsuite::repro {

// dup2() and dup3(): their second parameter is the number that the copy gets.
bool NamesItsCopy(Function function);
// Bytes that the trace copied of what word `i` points to.
std::string_view CopyOf(const TraceEntry& entry, int i);
template <typename T>
T Take(const TraceEntry& entry, int i, std::size_t offset = 0) {
  T value{};
  if (offset < entry.size[i]) {
    const std::size_t bytes = entry.size[i] - offset;
    std::memcpy(&value, entry.memory + entry.at[i] + offset,
                bytes < sizeof value ? bytes : sizeof value);
  }
  return value;
}

struct Variable {
  std::string type, name;  // "int", "fd1"
};

class Roles {
 public:
  // A new process has copies of its parent's descriptors, a new thread shares them.
  void StartProcess(int actor, int parent);
  void StartThread(int actor, int parent, std::uint64_t thread);
  // What a call that succeeded made gets a variable; returns its name ("" where it makes none, two
  // names "rd1 wr1" of pipe()).
  std::string Define(const TraceEntry& entry);

  // The expression that stands for a descriptor's number in this process.
  std::string Descriptor(int actor, std::int64_t number) const;
  // A process closes all its descriptors but those: their variables.
  std::vector<std::string> CloseExcept(int actor, const std::set<std::int64_t>& kept);
  void Close(int actor, std::int64_t number);
  // Of a semaphore, mutex, ... at an address, at which others may see another one: "named1" for
  // what sem_open() returned, "&s->sem1"; of attributes, which each process has for itself,
  // "&attr1".
  std::string Object(int actor, ParameterKind kind, std::uint64_t address);
  // "map1", "map1 + 4096"; "" when it is in no mapping.
  std::string Mapped(int actor, std::uint64_t address) const;
  void Unmap(int actor, std::uint64_t address);
  // Processes by their numbers: "getpid()", "pid[1]", "pid[later]" where `self`
  // does not know it; "" when unknown.
  void SetPid(int actor, std::int64_t pid) { pids_[pid] = actor; }
  std::string Process(int self, std::int64_t pid) const;
  // The number of the actor with this thread, -1 when unknown.
  int ActorOfThread(std::uint64_t thread) const;
  // A name or path of the test as a literal: unique ones get short names of their own, which
  // `removal` ("mq_unlink") removes at the end.
  std::string Name(std::string_view name, const char* removal);
  // Paths get a directory of their own, into which every user may look.
  void UseDirectory() { directory_ = kDirectory; }
  const char* directory() const { return directory_; }

  const std::vector<Variable>& variables() const { return variables_; }
  // Directories that must be there before.
  const std::vector<std::string>& directories() const { return directories_; }
  const std::vector<Variable>& shared() const { return shared_; }  // objects in shared memory
  // Calls that remove all names which the test made and a program has, the last one first:
  // "mq_unlink(\"/repro-1\")".
  std::vector<std::string> Removals(std::string_view program) const;

 private:
  struct Open {
    std::string variable;
    bool open = true;
  };
  struct Map {
    std::string variable, backing;
    std::uint64_t length, offset;
  };
  static constexpr const char* kDirectory = "/tmp/repro";
  std::string New(const std::string& type, const std::string& stem);
  std::string ShortName(std::string_view path);
  int ProcessOf(int actor) const;
  const std::pair<const std::uint64_t, Map>* MapAt(int actor, std::uint64_t address) const;
  std::map<std::int64_t, Open>& Table(int actor);
  std::string Backing(int actor, const TraceEntry& mmap);

  std::map<int, int> process_of_;  // whose descriptors an actor uses
  std::map<int, std::map<std::int64_t, Open>> open_;
  std::map<std::uint64_t, std::string> named_semaphores_;
  std::map<std::string, std::string> objects_at_;  // by place
  std::map<int, std::map<std::uint64_t, Map>> maps_;
  std::map<std::uint64_t, int> threads_;
  std::map<std::int64_t, int> pids_;
  std::set<std::string> names_, made_;
  std::map<std::string, std::string> components_;
  std::map<std::string, int> stems_;
  std::vector<Variable> variables_, shared_;
  std::vector<std::string> removals_;
  const char* directory_ = nullptr;
  std::vector<std::string> directories_;
};

}  // namespace ipcsuite::repro
