#include "repro/roles.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>

#include "harness/core/trace_words.h"

namespace ipcsuite::repro {
namespace {

// Kinds of objects from ParameterKind::kSemaphore on.
const Variable kObjects[] = {{"sem_t", "sem"},
                             {"pthread_mutex_t", "mutex"},
                             {"pthread_cond_t", "cond"},
                             {"pthread_rwlock_t", "rwlock"},
                             {"pthread_barrier_t", "barrier"},
                             {"pthread_spinlock_t", "spin"},
                             {"pthread_mutexattr_t", "mutexattr"},
                             {"pthread_condattr_t", "condattr"},
                             {"pthread_rwlockattr_t", "rwlockattr"},
                             {"pthread_barrierattr_t", "barrierattr"}};

}  // namespace

bool NamesItsCopy(Function function) {
#if defined(__linux__)
  if (function == Function::dup3) return true;
#endif
  return function == Function::dup2;
}

std::string_view CopyOf(const TraceEntry& entry, int i) {
  return {entry.memory + entry.at[i], entry.size[i]};
}

void Roles::StartProcess(int actor, int parent) {
  process_of_[actor] = actor;
  open_[actor] = Table(parent);
  maps_[actor] = maps_[ProcessOf(parent)];
}

void Roles::StartThread(int actor, int parent, std::uint64_t thread) {
  process_of_[actor] = ProcessOf(parent);
  threads_[thread] = actor;
}

int Roles::ProcessOf(int actor) const {
  const auto process = process_of_.find(actor);
  return process == process_of_.end() ? actor : process->second;
}

std::map<std::int64_t, Roles::Open>& Roles::Table(int actor) { return open_[ProcessOf(actor)]; }

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
  if (NamesItsCopy(entry.function)) return descriptor("int", "fd");
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
    case Function::dup: return descriptor("int", "fd");
    case Function::shm_open: return descriptor("int", "shm");
    case Function::mq_open: return descriptor("mqd_t", "q");
    case Function::sem_open:
      return named_semaphores_[static_cast<std::uint64_t>(entry.value)] = New("sem_t *", "named");
    case Function::mmap: {
      const std::string name = New("char *", "map");
      maps_[ProcessOf(entry.actor)][static_cast<std::uint64_t>(entry.value)] = {
          name, Backing(entry.actor, entry), entry.word[1], entry.word[5]};
      return name;
    }
    default: return "";
  }
}

std::string Roles::Descriptor(int actor, std::int64_t number) const {
  const auto table = open_.find(ProcessOf(actor));
  if (table == open_.end()) return std::to_string(number);
  const auto found = table->second.find(number);
  return found == table->second.end() ? std::to_string(number) : found->second.variable;
}

std::vector<std::string> Roles::CloseExcept(int actor, const std::set<std::int64_t>& kept) {
  std::vector<std::string> names;
  for (auto& [number, one] : Table(actor)) {
    if (!one.open || kept.contains(number)) continue;
    names.push_back(one.variable);
    one.open = false;
  }
  return names;
}

void Roles::Close(int actor, std::int64_t number) {
  const auto found = Table(actor).find(number);
  if (found != Table(actor).end()) found->second.open = false;
}

// What a mapping shows: that of the same descriptor is the same.
std::string Roles::Backing(int actor, const TraceEntry& mmap) {
  const auto fd = static_cast<int>(mmap.word[4]);
  if ((mmap.word[3] & MAP_SHARED) == 0 || fd < 0) return "map " + std::to_string(mmap.number);
  return Descriptor(actor, fd);
}

const std::pair<const std::uint64_t, Roles::Map>* Roles::MapAt(int actor,
                                                               std::uint64_t address) const {
  const auto maps = maps_.find(ProcessOf(actor));
  if (maps == maps_.end()) return nullptr;
  auto above = maps->second.upper_bound(address);
  return above == maps->second.begin() ? nullptr : &*--above;
}

std::string Roles::Object(int actor, ParameterKind kind, std::uint64_t address) {
  if (address == 0) return "NULL";
  const Variable& what = kObjects[static_cast<std::size_t>(kind) -
                                  static_cast<std::size_t>(ParameterKind::kSemaphore)];
  if (const auto named = named_semaphores_.find(address); named != named_semaphores_.end())
    return named->second;
  std::string place = "at " + std::to_string(address);
  if (const auto* map = MapAt(actor, address); map && address - map->first < map->second.length)
    place = map->second.backing + " + " + std::to_string(address - map->first + map->second.offset);
  std::string& object = objects_at_[what.name + " " + place];
  if (!object.empty()) return object;
  if (kind >= ParameterKind::kMutexAttributes) return object = "&" + New(what.type, what.name);
  shared_.push_back({what.type, what.name + std::to_string(++stems_[what.name])});
  return object = "&s->" + shared_.back().name;
}

std::string Roles::Mapped(int actor, std::uint64_t address) const {
  const auto* found = MapAt(actor, address);
  // Ranges may reach beyond a mapping's end, in its last page and past it.
  if (!found || address - found->first > found->second.length + (1u << 20)) return "";
  if (address == found->first) return found->second.variable;
  return found->second.variable + " + " + std::to_string(address - found->first);
}

void Roles::Unmap(int actor, std::uint64_t address) { maps_[ProcessOf(actor)].erase(address); }

std::string Roles::Process(int self, std::int64_t pid) const {
  const auto found = pids_.find(pid);
  if (found == pids_.end()) return "";
  // A process has copies of the numbers of those that were there before it.
  if (self != 0 && found->second > self) return "pid[later]";
  return found->second == self ? "getpid()" : "pid[" + std::to_string(found->second) + "]";
}

int Roles::ActorOfThread(std::uint64_t thread) const {
  const auto found = threads_.find(thread);
  return found == threads_.end() ? -1 : found->second;
}

// Of the parts of a path those that the suite made up are numbered; the rest says something.
std::string Roles::ShortName(std::string_view path) {
  std::string text;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string part(path.substr(begin, end - begin));
    const bool directory = part.starts_with("dir-") && part.size() == 10;  // of mkdtemp()
    if (part.find("ipcsuite-") == part.npos && !directory) {
      text += part;
    } else {
      std::string& own = components_[part];
      if (own.empty()) own = "repro-" + std::to_string(components_.size());
      text += own;
      if (directory && made_.insert(text).second) {
        const std::string made = directory_ ? directory_ + text : text.substr(1);
        directories_.push_back(LiteralInC(made));
        removals_.push_back("remove(" + LiteralInC(made) + ")");
        names_.insert(LiteralInC(made));
      }
    }
    if (end < path.size()) text += '/';
    begin = end + 1;
  }
  return text;
}

std::string Roles::Name(std::string_view name, const char* removal) {
  constexpr std::string_view kScratch = "/t-";  // and six characters more
  const std::size_t scratch = name.find(kScratch), inside = scratch + kScratch.size() + 6;
  const bool path = scratch != name.npos && name.size() >= inside;
  if (!path && name.find("ipcsuite-") == std::string_view::npos) return LiteralInC(name);
  if (path) name.remove_prefix(inside);
  std::string text = ShortName(name);
  if (path && directory_) {
    text = directory_ + text;
  } else if (path) {
    text = text.size() > 1 ? text.substr(1) : ".";
  }
  const std::string own = LiteralInC(text);
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  if (names_.insert(own).second && text != "." && text != (directory_ ? directory_ : ""))
    removals_.push_back((path ? "remove" : removal) + ("(" + LiteralInC(text) + ")"));
  return own;
}

std::vector<std::string> Roles::Removals(std::string_view program) const {
  std::vector<std::string> calls(removals_.rbegin(), removals_.rend());
  std::erase_if(calls, [&](const std::string& call) {
    const std::size_t begin = call.find('"'), end = call.rfind('"');
    const bool named = program.find(call.substr(begin, end - begin)) != program.npos;
    const std::string made = call.substr(begin, end - begin + 1);
    return !named && std::ranges::find(directories_, made) == directories_.end();
  });
  if (directory_) calls.push_back("rmdir(" + LiteralInC(directory_) + ")");
  return calls;
}

}  // namespace ipcsuite::repro
