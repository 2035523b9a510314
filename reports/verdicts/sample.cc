#include "reports/verdicts/sample.h"

#include <cmath>

#include "reports/verdicts/aggregate.h"

namespace ipcsuite::report {
namespace {

struct Interface {
  const char* suite;
  const char* function;
  const char* source;
};

constexpr Interface kInterfaces[] = {
    {"pipe", "pipe", "XSH pipe() DESCRIPTION"},
    {"pipe", "read", "XSH read() DESCRIPTION"},
    {"pipe", "write", "XSH write() DESCRIPTION"},
    {"fifo", "mkfifo", "XSH mkfifo() ERRORS"},
    {"poll", "poll", "XSH poll() DESCRIPTION"},
    {"shm", "shm_open", "XSH shm_open() DESCRIPTION"},
    {"shm", "mmap", "XSH mmap() DESCRIPTION"},
    {"mqueue", "mq_open", "XSH mq_open() DESCRIPTION"},
    {"mqueue", "mq_send", "XSH mq_send() ERRORS"},
    {"mqueue", "mq_notify", "XSH mq_notify() DESCRIPTION"},
};
constexpr const char* kKinds[] = {
    "shall", "shall", "shall-error", "unspecified", "limit", "implementation-defined", "may-error"};

ClauseRecord MakeClause(int n) {
  const Interface& at = kInterfaces[static_cast<std::size_t>(n) % std::size(kInterfaces)];
  ClauseRecord c;
  c.id = std::string(at.function) + ".sample_" + std::to_string(n);
  c.interface = at.function;
  c.function = at.function;
  c.suite = at.suite;
  c.source = at.source;
  c.kind = kKinds[static_cast<std::size_t>(n) % std::size(kKinds)];
  c.level = "base";
  c.requires_text = "Sample requirement number " + std::to_string(n) + ": on success " +
                    at.function + "() shall do what the section says, whatever the mix of sizes.";
  c.issues = n % 13 == 5 ? 2 : n % 17 == 7 ? 1 : 3;
  if (n % 11 == 3) c.untestable = "no portable program can observe it";
  c.detection = n % 4 == 0 ? "proven" : n % 4 == 1 ? "unproven" : n % 4 == 2 ? "no fault" : "";
  return c;
}

TestRecord MakeTest(const ClauseRecord& clause, int n) {
  TestRecord t;
  t.name = clause.interface + ".BehavesAsSample" + std::to_string(n);
  t.name[0] = static_cast<char>(t.name[0] - 'a' + 'A');
  t.suite = clause.suite;
  t.file = "suites/" + clause.suite + "/sample_test.cc";
  t.line = 10 + n;
  t.clauses = {clause.id};
  t.verdict = IsOpenKind(clause.kind) ? Verdict::kObserved : Verdict::kPass;
  if (t.verdict == Verdict::kObserved) {
    t.observations.push_back({clause.id, "capacity_bytes", std::to_string(4096 << (n % 5))});
  }
  t.seed = 0x9e3779b97f4a7c15ULL * static_cast<unsigned>(n + 1);
  t.start_ns = 1'000'000LL * n;
  t.duration_ns = 150'000 + 1000LL * n;
  t.passes = 1;
  t.command = "ipcsuite run --seed 42 --filter '" + t.name + "'";
  if (n % 3 == 0) t.evidence.push_back("peer 4711 shown blocked in read(fd 3): state S");
  return t;
}

void Fail(TestRecord& t, Verdict verdict, const std::string& clause) {
  t.verdict = verdict;
  t.passes = 0;
  t.failures.push_back({clause, t.file, t.line, "fails with EAGAIN (11)",
                        "mq_send(q, <buf> & \"x\", 1, 0) = 0",
                        "Value of: CALL(mq_send(q, buf, 1, 0))\nExpected: fails with EAGAIN "
                        "(11)\n  Actual: = 0 after 3.1 us\nThe queue held 10 of 10 messages."});
  t.evidence.push_back("peer 4712 task 4712 syscall 242 0x3 ... state S (sleeping)");
}

void MakeInteresting(std::vector<TestRecord>& tests, int variant) {
  Fail(tests[8], variant == 1 ? Verdict::kPass : Verdict::kFail, tests[8].clauses[0]);
  if (variant == 1) tests[8].failures.clear();
  Fail(tests[9], Verdict::kXfail, tests[9].clauses[0]);
  tests[9].expectation = ExpectationRef{"linux-mq-close-drops",
                                        "the registration goes with the close of "
                                        "another descriptor",
                                        "https://example.org/bug/1", "2030-01-01"};
  tests[10].verdict = Verdict::kXpass;
  tests[10].reason = "passed, but old-entry expects FAIL: fixed since";
  tests[10].expectation = ExpectationRef{"old-entry", "was broken", "", "2030-01-01"};
  Fail(tests[12], Verdict::kFlaky, tests[12].clauses[0]);
  tests[12].attempts = 20;
  tests[12].passes = 17;
  Fail(tests[13], Verdict::kDisputed, tests[13].clauses[0]);
  tests[15].verdict = Verdict::kUnresolved;
  tests[15].reason = "timed out; killed by the watchdog";
  tests[15].evidence = {"pid 812 state D syscall 1 (write) fd 4",
                        "pid 813 state S syscall 0 (read)"};
  tests[16].verdict = Verdict::kUnresolved;
  tests[16].surroundings = true;
  tests[16].reason = "no space left on /dev/shm";
  tests[18].verdict = Verdict::kUnsupported;
  tests[18].reason = "needs CAP_SYS_RESOURCE";
  tests[19].verdict = Verdict::kUntested;
  tests[19].reason = "nothing observable happened: no peer ever blocked";
  tests[21].confidence = "heuristic";
  if (variant == 2) {
    Fail(tests[22], Verdict::kFail, tests[22].clauses[0]);
    tests.erase(tests.begin() + 30);
  }
  for (const char* state : {"empty", "full", "hangup"}) {
    for (const char* event : {"POLLIN", "POLLOUT", "POLLHUP"}) {
      tests[4].observations.push_back({"", std::string("table/poll/") + state + "/" + event,
                                       (state[0] + event[4] + variant) % 2 ? "set" : "clear"});
    }
  }
  tests[5].attachments.push_back(
      {"svg", "History of the processes",
       "<svg viewBox=\"0 0 200 40\" role=\"img\"><title>history</title><rect x=\"5\" y=\"5\" "
       "width=\"90\" height=\"10\" fill=\"steelblue\"/></svg>"});
  tests[5].attachments.push_back({"text", "Raw lines", "0 invoke read\n1 invoke write <&>\n"});
  for (int i = 0; i < 3; ++i) {
    Metric m{"latency_ns_median", 0, {}};
    for (int s = 0; s < 9; ++s) m.samples.push_back(900 + 40 * i + 7 * s + 400 * (variant == 2));
    m.value = m.samples[4];
    tests[static_cast<std::size_t>(24 + i)].metrics.push_back(m);
  }
}

std::vector<EnvironmentSection> SampleEnvironment(int variant) {
  const char* kernels[] = {"6.1.0-31-amd64", "6.12.9", "4.4.0"};
  return {
      {"Kernel", {{"os", "Linux"}, {"kernel", kernels[variant % 3]}, {"arch", "x86_64"}}},
      {"C library", {{"libc", variant == 1 ? "musl" : "glibc"}, {"libc_version", "2.36"}}},
      {"Where",
       {{"container", variant == 2 ? "gvisor" : "none"},
        {"uid", "0"},
        {"capabilities", "CAP_SYS_ADMIN CAP_SYS_RESOURCE"}}},
      {"Limits", {{"RLIMIT_MSGQUEUE", "819200"}, {"fs.mqueue.msg_max", "10"}}},
  };
}

Run MakeRun(int tests, int variant) {
  Run run;
  const char* labels[] = {"debian-12", "alpine", "gvisor"};
  run.tool_version = "1.0.0 (0123456789ab, opt)";
  run.label = labels[variant % 3];
  run.started = "2026-11-26T11:00:00Z";
  run.duration_ns = 2'345'000'000;
  run.command_line = "ipcsuite run --issue 8";
  run.seed = 42;
  run.environment = SampleEnvironment(variant);
  std::vector<ClauseRecord> clauses;
  for (int n = 0; n < tests; ++n) {
    clauses.push_back(MakeClause(n));
    if (n % 11 != 3) run.tests.push_back(MakeTest(clauses.back(), n));
  }
  MakeInteresting(run.tests, variant);
  for (ClauseRecord& clause : clauses) {
    clause.text = "Issue 7 (2016 edition), Issue 8 (transcription)";
    clause.issues_read = 3;
    if (clause.id != run.tests[13].clauses[0]) continue;
    clause.readings = {"The flag at the time of the call decides.",
                       "The flag that was given at opening decides."};
    clause.decides = "One wording for the flag at opening and the flag that is set.";
  }
  run.stress_json = R"({"plots":[{"title":"Latency","description":"Latency of mq_send by size",
    "svg":"<svg viewBox='0 0 200 60' role='img'><title>Latency</title>)"
                    R"(<path d='M0 50 L200 5' stroke='currentColor' fill='none'/></svg>"}],
    "tables":[{"title":"Throughput","columns":["workload","throughput_msg_per_s"],
    "rows":[["pipe stream","1200000"],["mq 2x2","400000"]]}]})";
  run.detection_json =
      R"({"clauses":{},"scores":{"pipe":{"easy":{"faults":9,"detected":9,"detected_by_suites":9},
    "all":{"faults":9,"detected":9,"detected_by_suites":9}},
    "all":{"all":{"faults":9,"detected":9,"detected_by_suites":8}}},
    "faults":[{"name":"pipe-loses-byte","family":"pipe","difficulty":"easy","what":"loses a byte",
    "result":"detected",
    "detections":[{"test":"Read.Sample","verdict":"FAIL","reason":""}]},
    {"name":"pipe-late","family":"pipe",
    "difficulty":"hard","what":"wakes late","result":"missed"}],
    "variants":{"score":{"variants":2,"misjudged":1},
    "results":[{"name":"pipe-two-way","family":"pipe",
    "what":"two ways","result":"green","observed":true,
    "changes":[{"key":"direction","before":"one","after":"two"}]},
    {"name":"pipe-small","family":"pipe","what":"holds little","result":"misjudged",
    "observed":false,
    "misjudged_by":[{"test":"Write.Sample","verdict":"FAIL","reason":"4096 vs 65536"}]}]}})";
  Finish(std::move(clauses), run);
  return run;
}

}  // namespace

Run SampleRun(int variant) { return MakeRun(44, variant); }

Run LargeRun(int tests, int variant) { return MakeRun(tests, variant); }

}  // namespace ipcsuite::report
