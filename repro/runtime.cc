#include "repro/runtime.h"

#include <algorithm>
#include <cctype>
#include <map>

#include "base/text.h"

namespace ipcsuite::repro {
namespace {

// Headers, and the words for which they are included.
struct Header {
  const char* name;
  std::vector<const char*> words;
};
const Header kHeaders[] = {
    {"errno.h", {}},
    {"fcntl.h", {"O_", "F_", "fcntl(", "AT_FDCWD", "posix_fa"}},
    {"grp.h", {"setgroups"}},
    {"mqueue.h", {"mq_", "mqd_t"}},
    {"poll.h", {"pollfd", "poll("}},
    {"pthread.h", {"pthread_", "THREAD("}},
    {"sched.h", {"sched_yield"}},
    {"semaphore.h", {"sem_"}},
    {"signal.h", {}},
    {"stdio.h", {}},
    {"string.h", {}},
    {"sys/mman.h", {"mmap(", "shm_", "mlock", "munlock", "madvise", "msync", "mprotect"}},
    {"sys/resource.h", {"rlimit", "RLIM"}},
    {"sys/select.h", {"select(", "fd_set"}},
    {"sys/stat.h", {"mkfifo", "struct stat", "umask", "chmod", "mkdir", "mknod"}},
    {"sys/syscall.h", {"SYS_gettid"}},
    {"sys/uio.h", {"iovec"}},
    {"sys/wait.h", {"waitpid"}},
    {"time.h", {"time(NULL)", "clock_gettime", "CLOCK_"}},
    {"unistd.h", {}},
};

// One process: what the last call was and returned, and the verdict.
constexpr const char kEndAlone[] = R"(static void end(int verdict, const char *why) {
  if (why) printf("%s: %s = %ld, %s\n", why, call, r, strerror(e));
  fflush(stdout); @CLEAN@_exit(verdict);
}
static void late(int sig) { end(sig != 0, "the call does not return"); }
#define DO(text, ...) (call = text, errno = 0, r = (long)(__VA_ARGS__), e = errno)
)";

// Several: `why` is null when another one has given the verdict.
constexpr const char kEnd[] = R"(static void end(int verdict, const char *why) {@CANCEL@
  if (why) printf("%s: %s = %ld, %s\n", why, call, r, strerror(e));
  fflush(stdout);@CLEAN@_exit(verdict);
}
static void late(int sig) { /* of the main process */@VERDICT@
  for (int i = 0; i < @N@; ++i)
    if (s->in[i]@DUE@) call = s->in[i], end(sig != 0, "the call does not return");
  end(77, "it took too long");
}
#define DO(text, ...) do { s->in[me] = call = text; errno = 0; \
    r = (long)(__VA_ARGS__); e = errno; s->in[me] = NULL; } while (0)
)";
constexpr const char kCall[] = "#define CALL(...) DO(#__VA_ARGS__, __VA_ARGS__)\n";
constexpr const char kIssue[] =
    R"(#define ISSUE(step, ...) do { s->due[me] = step; s->in[me] = ""; s->turn++; \
    DO(#__VA_ARGS__, __VA_ARGS__); s->due[me] = 0; } while (0) /* returns by that step */
)";
constexpr const char kNever[] = "enum { NEVER = 1 << 30 };\n";
constexpr const char kMust[] = "#define MUST(c) if (!(c)) end(1, \"expected \" #c)\n";
constexpr const char kNeed[] = "#define NEED(c) if (!(c)) end(77, \"set-up: \" #c)\n";
constexpr const char kSetup[] =
    "#define SETUP(...) do { DO(#__VA_ARGS__, __VA_ARGS__); if (r == -1) end(77, \"set-up\"); } "
    "while (0)\n";
constexpr const char kZero[] =
    "#define ZERO(...) do { DO(#__VA_ARGS__, __VA_ARGS__); if (r != 0) end(77, \"set-up\"); } "
    "while (0)\n";
constexpr const char kFork[] =
    "#define FORK(i) if (!(pid[i] = fork())) me = i, peer##i(), _exit(0); "
    "if (pid[i] < 0) end(77, NULL)\n";
constexpr const char kThread[] =
    "#define THREAD(i) if (pthread_create(&thread[i], NULL, peer##i, NULL)) end(77, \"thread\")\n";

// Those who wait leave the processor to others, without a point at which threads are cancelled.
constexpr const char kTurn[] =
    "static void turn(int n) { while (s->turn < n) @REST@; } /* waits for step n */\n";
constexpr const char kNap[] = "usleep(20)";  // sleep-ok: between two looks, which decide

// A task that has returned from its call, or has not begun another one, isn't asleep in it.
constexpr const char kBlocked[] =
    R"(static void blocked(int i) { /* until i sleeps in its call; without /proc: for a while */
  char path[32], state = 0;
  snprintf(path, sizeof path, "/proc/%d/stat", @TASK@);
  for (long look = 0; s->in[i] && state != 'S'; ++look, @REST@) {
    FILE *f = fopen(path, "r");
    if (f ? fscanf(f, "%*d (%*[^)]) %c", &state) < 0 : look > 10000) state = 'S';
    if (f) fclose(f);
  }
  if (!s->in[i]) end(1, "a call that must block has returned");
}
)";

constexpr const char kSleeps[] = R"(static int sleeps(int i) { /* for a second, without a break */
  const time_t begin = time(NULL);
  while (s->in[i] && time(NULL) < begin + 2) sched_yield();
  return s->in[i] != NULL;
}
)";

constexpr const char kDeadline[] =
    R"(static struct timespec *at(clockid_t clock, long ms) { /* a time from now */
  static _Thread_local struct timespec t;
  clock_gettime(clock, &t);
  const long long ns = t.tv_nsec + ms * 1000000LL, second = 1000000000;
  t.tv_sec += (time_t)(ns / second - (ns % second < 0));
  t.tv_nsec = (long)((ns % second + second) % second);
  return &t;
}
)";
constexpr const char kSets[] = R"(static fd_set *fds(int i, const int *list) {
  FD_ZERO(&sets[i]);
  for (; *list >= 0; ++list) FD_SET(*list, &sets[i]);
  return &sets[i];
}
)";
constexpr const char kFull[] =
    R"(static void full(int free) { /* leaves so many numbers of descriptors */
  int fd = -1, next;
  while ((next = dup(0)) >= 0) fd = next;
  while (free-- > 0) close(fd--);
}
)";
constexpr const char kSignals[] = R"(static sigset_t *sigs(const int *list) {
  static _Thread_local sigset_t set;
  for (sigemptyset(&set); *list; ++list) sigaddset(&set, *list);
  return &set;
}
)";
constexpr const char kHandler[] = "static void on_signal(int sig) { (void)sig; }\n";
constexpr const char kLimit[] = R"(static int limit(int which, rlim_t n) {
  struct rlimit now;
  getrlimit(which, &now);
  now.rlim_cur = n;
  return setrlimit(which, &now);
}
)";
constexpr const char kFill[] = R"(static void fill(int fd) { /* to the last byte */
  const int flags = fcntl(fd, F_GETFL);
  fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  for (size_t n = 4096; n > 0; n /= 2) {
    while (write(fd, zeroes, n) > 0) continue;
  }
  fcntl(fd, F_SETFL, flags);
}
)";
constexpr const char kDrain[] = R"(static void drain(int fd) {
  const int flags = fcntl(fd, F_GETFL);
  fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  while (read(fd, buf, sizeof buf) > 0) continue;
  fcntl(fd, F_SETFL, flags);
}
)";

// Whether a text has it as a call or a name of its own.
bool HasWord(std::string_view text, std::string_view word) {
  const auto letter = [&](std::size_t i) {
    return i < text.size() && (std::isalnum(static_cast<unsigned char>(text[i])) || text[i] == '_');
  };
  for (std::size_t at = 0; (at = text.find(word, at)) != text.npos; ++at) {
    if ((at == 0 || !letter(at - 1)) && !letter(at + word.size())) return true;
  }
  return false;
}

bool Calls(std::string_view text, const std::string& function) {
  for (std::size_t at = 0; (at = text.find(function + "(", at)) != text.npos; ++at) {
    if (at == 0 || !(std::isalnum(static_cast<unsigned char>(text[at - 1])) || text[at - 1] == '_'))
      return true;
  }
  return false;
}

void Replace(std::string& text, std::string_view what, std::string_view by) {
  const std::size_t at = text.find(what);
  if (at != std::string::npos) text.replace(at, what.size(), by);
}

// "static int fd1, p1[2];" for each type, with `before` in place of "static ".
std::string Declarations(const std::vector<Variable>& variables,
                         const std::string& before = "static ") {
  std::map<std::string, std::string> of_type;
  for (const auto& [type, name] : variables) {
    const bool pair = type == "int[2]", pointer = type.ends_with("*");
    const std::string base = pair ? "int" : pointer ? type.substr(0, type.size() - 2) : type;
    std::string& names = of_type[base];
    names +=
        (names.empty() ? "" : ", ") + std::string(pointer ? "*" : "") + name + (pair ? "[2]" : "");
  }
  std::string text;
  for (const auto& [type, names] : of_type) text += before + type + " " + names + ";\n";
  return text;
}

// What calls store into.
std::string Places(const Runtime& runtime, std::string_view rest) {
  const Needs& needs = runtime.needs;
  const std::string storage = runtime.threads ? "static _Thread_local " : "static ";
  std::string text;
  const auto add = [&](const char* name, bool needed, const std::string& declaration) {
    if (needed && HasWord(rest, name)) text += storage + declaration + ";\n";
  };
  const std::size_t buffer =
      needs.drain ? std::max<std::size_t>(needs.buffer_bytes, 4096) : needs.buffer_bytes;
  const std::size_t zeroes =
      needs.fill ? std::max<std::size_t>(needs.zeroes_bytes, 4096) : needs.zeroes_bytes;
  add(needs.drain ? "drain" : "buf", buffer > 0, "char buf[" + std::to_string(buffer) + "]");
  add("attr", needs.attributes, "struct mq_attr attr");
  add("st", needs.status, "struct stat st");
  add("prio", needs.priority, "unsigned prio");
  add("number", needs.number, "int number");
  add("info", needs.info, "siginfo_t info");
  add("polls", needs.polls, "struct pollfd *polls");
  add("fds", Calls(rest, "fds"), "fd_set sets[3]");
  if (zeroes > 0 && (HasWord(rest, "zeroes") || Calls(rest, "fill")))
    text += "static char zeroes[" + std::to_string(zeroes) + "];\n";
  return text;
}

// Declarations in as few lines as they fit into.
std::string Packed(const std::string& declarations, const std::string& indent = "") {
  std::string text, line = indent;
  for (const std::string& declaration : Lines(declarations)) {
    if (line.size() + 1 + declaration.size() > 96) text += line + "\n", line = indent;
    line += (line.size() == indent.size() ? "" : " ") + declaration;
  }
  return line == indent ? text : text + line + "\n";
}

constexpr std::size_t kStateColumns = 98;

std::string Joined(std::string lines) {
  std::ranges::replace(lines, '\n', ' ');
  return lines;
}

std::string State(const Runtime& runtime, bool issues) {
  if (runtime.peers == 0) {
    return Declarations(runtime.shared) +
           "static const char *call; static long r; static int e; /* the last call, its result "
           "and errno */\n";
  }
  const std::string n = std::to_string(runtime.peers + 1);
  const bool threads = runtime.threads && runtime.blocked;
  const std::string members =
      std::string("_Atomic int turn") + (runtime.processes ? ", verdict" : "") +
      (issues ? ", due[" + n + "]" : "") + (threads ? ", tid[" + n + "]" : "") +
      ";\nconst char *_Atomic in[" + n + "];\n" + Declarations(runtime.shared, "");
  // Threads alone share everything.
  const std::string name = runtime.processes ? "} *s;" : "} all, *s = &all;";
  const std::string line = "static struct { /* shared */ " + members + name;
  std::string text = line.size() <= kStateColumns
                         ? Joined(line)
                         : "static struct { /* shared */\n" + Packed(members, "  ") + name;
  text += "\n";
  const std::string storage = runtime.threads ? "static _Thread_local " : "static ";
  return text + Packed(storage + "const char *call;\n" + storage + "long r;\n" + storage +
                       "int me, e; /* last call, result; who; errno */\n");
}

std::string Clean(const Runtime& runtime) {
  std::string text = " ";
  if (runtime.processes) {
    text =
        " s->verdict = verdict;\n"
        "  if (getpid() != pid[0]) kill(pid[0], SIGALRM), _exit(verdict);\n"
        "  for (int i = 1; i < @N@; ++i) (void)(pid[i] > 0 && kill(pid[i], SIGKILL));\n  ";
  }
  return text + (runtime.removals.empty() ? "" : "clean(); ");
}

std::string CleanFunction(const Runtime& runtime) {
  if (runtime.removals.empty()) return "";
  std::string all;
  for (const std::string& removal : runtime.removals) all += " " + removal + ";";
  if (all.size() < 70) return "static void clean(void) {" + all + " }\n";
  std::string text = "static void clean(void) {\n ";
  for (const std::string& removal : runtime.removals) {
    const bool fits = text.size() - text.rfind('\n') + removal.size() < 96;
    text += (fits ? " " : "\n  ") + removal + ";";
  }
  return text + "\n}\n";
}

}  // namespace

std::string RuntimeInC(const Runtime& runtime, std::string_view rest) {
  std::vector<Variable> own = runtime.variables;
  if (runtime.processes) own.push_back({"pid_t", "pid[" + std::to_string(runtime.peers + 1) + "]"});
  if (runtime.threads)
    own.push_back({"pthread_t", "thread[" + std::to_string(runtime.peers + 1) + "]"});
  std::string text = State(runtime, rest.find("ISSUE(") != rest.npos) +
                     Packed(Declarations(own) + Places(runtime, rest));
  text += CleanFunction(runtime);
  std::string end = runtime.peers > 0 ? kEnd : kEndAlone;
  const bool removes = !runtime.removals.empty();
  Replace(end, "@CLEAN@", runtime.peers > 0 ? Clean(runtime) : removes ? "clean(); " : "");
  const bool issues = rest.find("ISSUE(") != rest.npos;
  Replace(end, "@DUE@", issues ? " && s->due[i] <= s->turn" : "");
  // Printing is a cancellation point.
  const char* keep = "\n  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &(int){0});";
  Replace(end, "@CANCEL@", rest.find("pthread_cancel(") != rest.npos ? keep : "");
  Replace(end, "@VERDICT@", runtime.processes ? "\n  if (s->verdict) end(s->verdict, NULL);" : "");
  for (int i = 0; i < 2; ++i) Replace(end, "@N@", std::to_string(runtime.peers + 1));
  text += end;
  const auto add = [&](bool needed, const char* part) {
    if (needed) text += part;
  };
  const auto used = [&](std::string_view word) { return rest.find(word) != rest.npos; };
  add(used("CALL("), kCall);
  add(used("NEVER"), kNever);
  add(issues, kIssue);
  add(used("MUST("), kMust);
  add(used("NEED("), kNeed);
  add(used("SETUP("), kSetup);
  add(used("ZERO("), kZero);
  add(used("FORK("), kFork);
  add(used("THREAD("), kThread);
  add(Calls(rest, "turn"), kTurn);
  if (Calls(rest, "blocked")) {
    text += kBlocked;
    const char* task = !runtime.threads ? "pid[i]" : "s->tid[i] ? s->tid[i] : pid[i]";
    Replace(text, "@TASK@", runtime.processes ? task : "s->tid[i]");
  }
  const bool cancels = used("pthread_cancel");
  for (int i = 0; i < 2; ++i) Replace(text, "@REST@", cancels ? "sched_yield()" : kNap);
  add(Calls(rest, "sleeps"), kSleeps);
  add(Calls(rest, "at"), kDeadline);
  add(Calls(rest, "sigs"), kSignals);
  add(Calls(rest, "fds"), kSets);
  add(HasWord(rest, "on_signal"), kHandler);
  add(Calls(rest, "limit"), kLimit);
  add(Calls(rest, "full"), kFull);
  add(Calls(rest, "fill"), kFill);
  add(Calls(rest, "drain"), kDrain);
  // <pthread.h> makes visible what these declare.
  const bool threads = used("pthread_") || text.find("pthread_") != text.npos;
  const auto in_pthread = [&](std::string_view name) {
    return threads && (name == "sched.h" || name == "time.h");
  };
  std::string headers = "#define _GNU_SOURCE\n";
  for (const Header& header : kHeaders) {
    const bool named = std::ranges::any_of(header.words, [&](std::string_view word) {
      return text.find(word) != std::string::npos || used(word);
    });
    const bool in_other = in_pthread(header.name);
    if (!in_other && (named || header.words.empty()))
      headers += "#include <" + std::string(header.name) + ">\n";
  }
  return headers + "\n" + text;
}

std::string SetUpInC(const Runtime& runtime) {
  std::string text, line;
  if (runtime.processes) {
    text +=
        "  s = mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);\n"
        "  if (s == MAP_FAILED) return 77;\n";
  }
  if (runtime.status) line += " int status;";
  if (runtime.end) line += " void *ended;";
  if (runtime.processes) line += " pid[0] = getpid();";
  text += " " + line + " signal(SIGALRM, late), alarm(20);" +
          (runtime.removals.empty() ? "\n" : " clean();\n");
  if (runtime.directory) text += "  mkdir(\"" + std::string(runtime.directory) + "\", 0711);\n";
  for (const std::string& directory : runtime.directories)
    text += "  mkdir(" + directory + ", 0700);\n";
  if (runtime.numbers > 0) text += "  for (int fd = 3; fd < 1024; ++fd) close(fd);\n";
  if (runtime.numbers > 3) {
    text += "  while (dup(0) < " + std::to_string(runtime.numbers - 1) +
            ") continue; /* numbers in use, as when this was recorded */\n";
  }
  return text;
}

}  // namespace ipcsuite::repro
