#include "repro/runtime.h"

#include <algorithm>
#include <map>

namespace ipcsuite::repro {
namespace {

// Headers, and the words for which they are included.
struct Header {
  const char* name;
  std::vector<const char*> words;
};
const Header kHeaders[] = {
    {"errno.h", {}},
    {"fcntl.h", {"O_", "F_", "fcntl("}},
    {"mqueue.h", {"mq_", "mqd_t"}},
    {"poll.h", {"pollfd"}},
    {"pthread.h", {"pthread_"}},
    {"sched.h", {"sched_yield"}},
    {"semaphore.h", {"sem_t"}},
    {"signal.h", {}},
    {"stdio.h", {}},
    {"string.h", {}},
    {"sys/mman.h", {"mmap(", "shm_", "mlock", "madvise"}},
    {"sys/resource.h", {"rlimit"}},
    {"sys/stat.h",
     {"mkfifo", "struct stat", "umask", "chmod", "mkdir", "mknod", "shm_open", "O_CREAT"}},
    {"sys/syscall.h", {"SYS_gettid"}},
    {"sys/wait.h", {"waitpid"}},
    {"time.h", {"timespec"}},
    {"unistd.h", {}},
};

// The verdict, for a reader and for the others; `what` is null when it was given already.
constexpr const char kEnd[] = R"(
static void end(int verdict, const char *what) {
  if (what && verdict)
    printf("%s: %s: %s = %ld, %s\n", verdict == 1 ? "deviates" : "cannot tell", what, s->last[me],
           r, strerror(e));
  fflush(stdout);
  s->verdict = verdict;
@CLEAN@  _exit(verdict);
}
static void late(int sig) {
  (void)sig;
  if (s->verdict) end(s->verdict, NULL);
  for (me = 0; me < ACTORS; ++me) {
    if (s->in[me]@STAYS@) end(1, "the call does not return");
  }
  me = 0;
  end(77, "it took too long");
}
#define DO(pass, text, ...) do { s->last[me] = text; s->in[me] = text; pass; errno = 0; \
    r = (long)(__VA_ARGS__); e = errno; s->in[me] = NULL; } while (0)
#define CALL(...) DO((void)0, #__VA_ARGS__, __VA_ARGS__)
#define MUST(c) if (!(c)) end(1, "expected " #c)
#define SETUP(c) if (!(c)) end(77, "set-up failed: " #c)
)";

constexpr const char kTurn[] = R"(
static void turn(int n) {
  while (s->turn != n && !s->verdict) sched_yield();
  if (s->verdict) end(s->verdict, NULL);
}
)";
constexpr const char kIssue[] = "#define ISSUE(...) DO(s->turn++, #__VA_ARGS__, __VA_ARGS__)\n";

constexpr const char kBlocked[] = R"(
static void blocked(int i) { /* ... when asleep in its call; without /proc: after a while in it */
  char path[32], text[128] = "";
  snprintf(path, sizeof path, "/proc/%d/stat", s->tid[i]);
  for (long look = 0; s->in[i]; ++look) {
    FILE *f = fopen(path, "r");
    const size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    if (f) fclose(f);
    text[n] = 0;
    const char *name_end = strrchr(text, ')');
    if (s->in[i] && (name_end ? name_end[2] == 'S' : look > 100000)) return;
    sched_yield();
  }
  end(1, "a call that must block has returned");
}
)";

constexpr const char kDeadline[] = R"(
static struct timespec *at(long ms) { /* a time of CLOCK_REALTIME from now */
  static _Thread_local struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  const long n = t.tv_nsec + ms % 1000 * 1000000;
  t.tv_sec += ms / 1000 + (n < 0 ? -1 : n / 1000000000);
  t.tv_nsec = (n + 1000000000) % 1000000000;
  return &t;
}
)";
constexpr const char kSignals[] = R"(
static sigset_t *sigs(const int *list) {
  static _Thread_local sigset_t set;
  for (sigemptyset(&set); *list; ++list) sigaddset(&set, *list);
  return &set;
}
)";
constexpr const char kHandler[] = "\nstatic void on_signal(int sig) { (void)sig; }\n";
constexpr const char kLimit[] = R"(
static int limit(int which, rlim_t n) {
  struct rlimit now;
  getrlimit(which, &now);
  now.rlim_cur = n;
  return setrlimit(which, &now);
}
)";
constexpr const char kFill[] = R"(
static void fill(int fd) { /* to the last byte */
  const int flags = fcntl(fd, F_GETFL);
  fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  for (size_t n = 4096; n > 0; n /= 2) {
    while (write(fd, zeroes, n) > 0) continue;
  }
  fcntl(fd, F_SETFL, flags);
}
)";
constexpr const char kDrain[] = R"(
static void drain(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  while (read(fd, buf, sizeof buf) > 0) continue;
  fcntl(fd, F_SETFL, flags);
}
)";

void Replace(std::string& text, std::string_view what, std::string_view by) {
  const std::size_t at = text.find(what);
  if (at != std::string::npos) text.replace(at, what.size(), by);
}

// "static int fd1, p1[2];" for each type.
std::string Declarations(const std::vector<Variable>& variables) {
  std::map<std::string, std::string> of_type;
  for (const auto& [type, name] : variables) {
    const bool pair = type == "int[2]", pointer = type.ends_with("*");
    const std::string base = pair ? "int" : pointer ? type.substr(0, type.size() - 2) : type;
    std::string& names = of_type[base];
    names +=
        (names.empty() ? "" : ", ") + std::string(pointer ? "*" : "") + name + (pair ? "[2]" : "");
  }
  std::string text;
  for (const auto& [type, names] : of_type) text += "static " + type + " " + names + ";\n";
  return text;
}

// What calls store into.
std::string Places(const Needs& needs) {
  std::string text;
  const auto add = [&](bool needed, const std::string& declaration) {
    if (needed) text += "static _Thread_local " + declaration + ";\n";
  };
  const std::size_t buffer =
      needs.drain ? std::max<std::size_t>(needs.buffer_bytes, 4096) : needs.buffer_bytes;
  const std::size_t zeroes =
      needs.fill ? std::max<std::size_t>(needs.zeroes_bytes, 4096) : needs.zeroes_bytes;
  add(buffer > 0, "char buf[" + std::to_string(buffer) + "]");
  add(needs.attributes, "struct mq_attr attr");
  add(needs.status, "struct stat st");
  add(needs.priority, "unsigned prio");
  add(needs.number, "int number");
  add(needs.info, "siginfo_t info");
  add(needs.polls, "struct pollfd *polls");
  if (zeroes > 0) text += "static char zeroes[" + std::to_string(zeroes) + "];\n";
  return text;
}

std::string Shared(const Runtime& runtime) {
  const std::string n = std::to_string(runtime.peers + 1);
  std::string text = "static struct {\n  _Atomic int turn, verdict, tid[" + n +
                     "];\n  const char *_Atomic in[" + n + "], *_Atomic last[" + n + "];\n";
  if (runtime.semaphores > 0) text += "  sem_t sem[" + std::to_string(runtime.semaphores) + "];\n";
  text += runtime.peers > 0 ? "} *s;\n" : "} own, *s = &own;\n";
  text += "enum { ACTORS = " + n + " };\nstatic _Thread_local int me, e;\n";
  text += "static _Thread_local long r;\n";
  if (runtime.processes) text += "static pid_t pid[" + n + "];\n";
  if (runtime.threads) text += "static pthread_t thread[" + n + "];\n";
  return text;
}

std::string Clean(const Runtime& runtime) {
  std::string text;
  if (runtime.processes) {
    text += "  if (getpid() != pid[0]) _exit(verdict);\n";
    text +=
        "  for (int i = 1; i < ACTORS; ++i) {\n    if (pid[i] > 0) kill(pid[i], SIGKILL);\n  }\n";
  }
  for (const std::string& removal : runtime.removals) text += "  " + removal + ";\n";
  return text;
}

}  // namespace

std::string RuntimeInC(const Runtime& runtime, std::string_view rest) {
  std::string text = Shared(runtime) + Declarations(runtime.variables) + Places(runtime.needs);
  std::string end = kEnd;
  Replace(end, "@CLEAN@", Clean(runtime));
  Replace(end, "@STAYS@",
          runtime.may_stay == 0 ? "" : " && !(" + std::to_string(runtime.may_stay) + " >> me & 1)");
  text += end;
  if (runtime.peers > 0) text += std::string(kIssue) + kTurn;
  if (runtime.blocked) text += kBlocked;
  const Needs& needs = runtime.needs;
  if (needs.deadline) text += kDeadline;
  if (needs.signals) text += kSignals;
  if (needs.handler) text += kHandler;
  if (needs.limit) text += kLimit;
  if (needs.fill) text += kFill;
  if (needs.drain) text += kDrain;
  std::string headers = "#define _GNU_SOURCE\n";
  for (const Header& header : kHeaders) {
    const bool named = std::ranges::any_of(header.words, [&](std::string_view word) {
      return text.find(word) != std::string::npos || rest.find(word) != std::string_view::npos;
    });
    if (named || header.words.empty()) headers += "#include <" + std::string(header.name) + ">\n";
  }
  return headers + "\n" + text;
}

std::string SetUpInC(const Runtime& runtime) {
  std::string text;
  if (runtime.peers > 0) {
    text +=
        "  s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);\n"
        "  if (s == MAP_FAILED) return 77;\n";
  }
  if (runtime.status) text += "  int status;\n";
  if (runtime.processes) text += "  pid[0] = getpid();\n";
  text += "  signal(SIGALRM, late);\n  alarm(10);\n";
  for (const std::string& removal : runtime.removals) text += "  " + removal + ";\n";
  return text;
}

}  // namespace ipcsuite::repro
