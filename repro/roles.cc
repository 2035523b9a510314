#include "repro/roles.h"

#include <fcntl.h>

#include "harness/core/trace_words.h"

namespace ipcsuite::repro {

std::string_view CopyOf(const TraceEntry& entry, int i) {
  return {entry.memory + entry.at[i], entry.size[i]};
}

void Roles::StartProcess(int actor, int parent) {
  process_of_[actor] = actor;
  open_[actor] = Table(parent);
}

void Roles::StartThread(int actor, int parent, std::uint64_t thread) {
  process_of_[actor] = process_of_.contains(parent) ? process_of_[parent] : parent;
  threads_[thread] = actor;
}

std::map<std::int64_t, Roles::Open>& Roles::Table(int actor) {
  const auto process = process_of_.find(actor);
  return open_[process == process_of_.end() ? actor : process->second];
}

std::string Roles::New(const std::string& type, const std::string& stem) {
  const std::string name = stem + std::to_string(++stems_[stem]);
  variables_.push_back({type, name});
  return name;
}

std::string Roles::Define(const TraceEntry& entry) {
  const auto descriptor = [&](const std::string& type, const std::string& stem) {
    const std::string name = New(type, stem);
    Table(entry.actor)[entry.value] = {name};
    return name;
  };
  switch (entry.function) {
    case Function::pipe:
    case Function::pipe2: {
      const auto rd = Take<int>(entry, 0), wr = Take<int>(entry, 0, sizeof(int));
      const std::string pair = New("int[2]", "p");
      Table(entry.actor)[rd] = {pair + "[0]"};
      Table(entry.actor)[wr] = {pair + "[1]"};
      return pair;
    }
    case Function::fcntl:
      if (entry.word[1] != F_DUPFD && entry.word[1] != F_DUPFD_CLOEXEC) return "";
      return descriptor("int", "fd");
    case Function::open:
    case Function::openat:
    case Function::creat:
    case Function::dup:
    case Function::dup2: return descriptor("int", "fd");
    case Function::shm_open: return descriptor("int", "shm");
    case Function::mq_open: return descriptor("mqd_t", "q");
    case Function::sem_open:
      return semaphores_at_[static_cast<std::uint64_t>(entry.value)] = New("sem_t *", "sem");
    case Function::mmap: {
      const std::string name = New("char *", "map");
      maps_[static_cast<std::uint64_t>(entry.value)] = {name, entry.word[1]};
      return name;
    }
    default: return "";
  }
}

std::string Roles::Descriptor(int actor, std::int64_t number) const {
  const auto process = process_of_.find(actor);
  const auto table = open_.find(process == process_of_.end() ? actor : process->second);
  if (table == open_.end()) return std::to_string(number);
  const auto found = table->second.find(number);
  return found == table->second.end() ? std::to_string(number) : found->second.variable;
}

std::vector<std::string> Roles::OpenExcept(int actor, const std::set<std::int64_t>& kept) const {
  std::vector<std::string> names;
  const auto table = open_.find(actor);
  if (table == open_.end()) return names;
  for (const auto& [number, one] : table->second) {
    if (one.open && !kept.contains(number)) names.push_back(one.variable);
  }
  return names;
}

void Roles::Close(int actor, std::int64_t number) {
  const auto found = Table(actor).find(number);
  if (found != Table(actor).end()) found->second.open = false;
}

std::string Roles::Semaphore(std::uint64_t address) {
  if (address == 0) return "NULL";
  const auto found = semaphores_at_.find(address);
  if (found != semaphores_at_.end()) return found->second;
  return semaphores_at_[address] = "&s->sem[" + std::to_string(semaphores_++) + "]";
}

std::string Roles::Mapped(std::uint64_t address) const {
  auto above = maps_.upper_bound(address);
  if (above == maps_.begin()) return "";
  const auto& [begin, map] = *--above;
  // Ranges may reach beyond a mapping's end, in its last page and past it.
  if (address - begin > map.length + (1u << 20)) return "";
  if (address == begin) return map.variable;
  return map.variable + " + " + std::to_string(address - begin);
}

void Roles::Unmap(std::uint64_t address) { maps_.erase(address); }

std::string Roles::Process(int self, std::int64_t pid) const {
  const auto found = pids_.find(pid);
  if (found == pids_.end()) return "";
  return found->second == self ? "getpid()" : "pid[" + std::to_string(found->second) + "]";
}

int Roles::ActorOfThread(std::uint64_t thread) const {
  const auto found = threads_.find(thread);
  return found == threads_.end() ? -1 : found->second;
}

std::string Roles::Name(std::string_view name, const char* removal) {
  if (name.find("ipcsuite-") == std::string_view::npos) return LiteralInC(name);
  std::string& own = names_[std::string(name)];
  if (own.empty()) {
    const bool path = std::string_view(removal) == "unlink";
    own = LiteralInC((path ? "repro-" : "/repro-") + std::to_string(names_.size()));
    removals_.push_back(std::string(removal) + "(" + own + ")");
  }
  return own;
}

}  // namespace ipcsuite::repro
