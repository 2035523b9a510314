// The table of workloads: everything that is known without running one.
#include <unistd.h>

#include <algorithm>

#include "stress/workloads/workloads.h"

namespace ipcsuite::stress {
namespace {

constexpr std::size_t kKiB = 1024;

using List = std::vector<WorkloadInfo>;

// What all streams have in common.
WorkloadInfo Stream() {
  WorkloadInfo w{};
  w.has_raw = w.uses_ledgers = w.signals = w.open_loop = w.waits = true;
  w.producers = w.consumers = 1;
  w.max_priorities = 1;
  w.size_default = 64;
  w.size_min = 1;
  w.size_max = kKiB * kKiB;
  w.sample_every = 1;
  w.unit = "messages";
  return w;
}

void AddPipes(List* all) {
  WorkloadInfo w = Stream();
  w.name = "pipe";
  w.title = "stream over pipes";
  w.explain =
      "Each producer writes messages into a pipe of its own, its consumer reads them. Every byte "
      "is "
      "compared with a template, numbers are consecutive. Writers of up to PIPE_BUF bytes are "
      "killed.";
  w.test_name = "Stress.PipeStream";
  w.shape = Shape::kPaired;
  w.size_large = 64 * kKiB;
  w.kill_producer_upto = 4 * kKiB;
  w.kill_consumer_upto = 0;
  w.clauses = {"pipe.read.fifo_order", "pipe.write.appends", "pipe.write.blocking_completes",
               "pipe.read.blocks_until_data", "pipe.write.atomic_le_pipe_buf"};
  w.loss_clause = "pipe.write.appends";
  w.make = &MakePipeStream;
  all->push_back(w);

  w.name = "fifo";
  w.title = "stream over FIFOs";
  w.explain = "As pipe, over FIFOs that are opened by name and unlinked.";
  w.test_name = "Stress.FifoStream";
  w.size_large = 0;
  w.clauses = {"fifo.io.same_as_pipe"};
  w.loss_clause = "fifo.io.same_as_pipe";
  w.make = &MakeFifoStream;
  all->push_back(w);

  w.name = "pipe-writers";
  w.title = "many writers into one pipe";
  w.explain =
      "Several producers write records of at most PIPE_BUF bytes into one pipe; the reader takes "
      "as "
      "much as it gets and cuts records out of the stream. A record that is not in one piece, "
      "lost, "
      "doubled, or out of its producer's order is a finding.";
  w.test_name = "Stress.PipeWriters";
  w.shape = Shape::kFanIn;
  w.producers = 3;
  w.size_min = 8;
  w.size_max = 4 * kKiB;
  // As large as is guaranteed to be atomic: a bound that is too low somewhere shows here.
  if (const long pipe_buf = pathconf("/", _PC_PIPE_BUF); pipe_buf > 0) {
    w.size_default = std::min(w.size_max, static_cast<std::size_t>(pipe_buf));
  }
  w.clauses = {"pipe.write.atomic_le_pipe_buf", "pipe.write.le_pipe_buf_never_partial",
               "pipe.read.fifo_order"};
  w.loss_clause = "pipe.write.atomic_le_pipe_buf";
  w.make = &MakePipeWriters;
  all->push_back(w);

  w.size_default = 64;
  w.name = "fifo-openers";
  w.title = "FIFO with openers coming and going";
  w.explain =
      "Producers open a FIFO, write a few records, close it, and so on; the reader opens it again "
      "at "
      "each end-of-file while it holds the old descriptor. Nothing that was written may be lost.";
  w.test_name = "Stress.FifoOpeners";
  w.producers = 2;
  w.clauses = {"fifo.open.wronly_waits_for_reader", "fifo.open.rdonly_waits_for_writer",
               "fifo.io.same_as_pipe", "fifo.io.eof_not_sticky"};
  w.loss_clause = "fifo.io.discard_on_last_close";
  w.make = &MakeFifoOpeners;
  all->push_back(w);

  w.name = "fifo-poll";
  w.title = "non-blocking writers and a reader that wait in poll()";
  w.explain =
      "Producers and the reader of one FIFO open it with O_NONBLOCK and wait in poll() when a call "
      "fails with EAGAIN. A record is written whole or not at all; a poll() that is not woken is "
      "found.";
  w.test_name = "Stress.FifoPoll";
  w.size_default = 512;
  w.kill_producer_upto = 4 * kKiB;
  w.clauses = {"pipe.write.nonblock_le_eagain", "pipe.write.nonblock_le_room",
               "pipe.write.atomic_le_pipe_buf", "poll.wakes_on_room", "poll.pipe.pollin_with_data"};
  w.loss_clause = "poll.wakes_on_room";
  w.make = &MakeFifoPoll;
  all->push_back(w);
}

void AddQueueAndRings(List* all) {
  WorkloadInfo w = Stream();
  w.name = "mq";
  w.title = "message queue, n producers and m consumers with priorities";
  w.explain =
      "Producers send to one queue with random priorities, consumers receive. Numbers of each "
      "producer and priority ascend at each consumer; after the run each message was received "
      "exactly "
      "once. Producers and consumers are killed: each has at most one message in hand.";
  w.test_name = "Stress.MqStream";
  w.shape = Shape::kShared;
  w.producers = w.consumers = 2;
  w.max_priorities = 31;
  w.size_min = 8;
  w.size_max = w.size_large = 8 * kKiB;
  w.kill_producer_upto = w.kill_consumer_upto = 8 * kKiB;
  w.clauses = {"threads.safety.no_loss_no_duplication",   "mq_send.content.bytes_preserved",
               "mq_receive.order.oldest_within_priority", "mq_receive.prio.stored_unless_null",
               "mq_send.full.blocks_until_space",         "mq_receive.empty.blocks_until_message",
               "mq_receive.basic.length_and_removal"};
  w.loss_clause = "threads.safety.no_loss_no_duplication";
  w.make = &MakeMqStream;
  all->push_back(w);

  w.waits = false;
  w.name = "ring";
  w.title = "ring in shared memory, atomics and futex";
  w.explain =
      "A ring for each pair of processes, mapped at different addresses; waiting by spinning, then "
      "by "
      "futex. Latency of every 32nd message: a clock reading costs as much as a message.";
  w.test_name = "Stress.ShmRing";
  w.shape = Shape::kPaired;
  w.producers = w.consumers = 1;
  w.max_priorities = 1;
  w.size_max = 256 * kKiB;
  w.size_large = 0;
  w.kill_producer_upto = 256 * kKiB;
  w.kill_consumer_upto = 256 * kKiB;
  w.sample_every = 32;
  w.clauses = {"mmap.shared.visible_unrelated", "memory.lock_free_atomics",
               "mmap.shared.changes_object"};
  w.loss_clause = "mmap.shared.changes_object";
  w.make = &MakeRing;
  all->push_back(w);

  w.name = "ring-shared";
  w.title = "one ring for many, a ticket in each slot";
  w.explain = "All producers and consumers share one ring in shared memory.";
  w.test_name = "Stress.ShmRingShared";
  w.shape = Shape::kShared;
  w.producers = w.consumers = 2;
  w.kill_producer_upto = w.kill_consumer_upto = 0;
  w.clauses = {"mmap.shared.visible_unrelated", "memory.lock_free_atomics"};
  w.make = &MakeRingShared;
  all->push_back(w);
}

void AddCondQueueAndMixed(List* all) {
  WorkloadInfo w = Stream();
  w.waits = false;
  w.shape = Shape::kShared;
  w.producers = w.consumers = 2;
  w.size_min = 8;
  w.size_max = 256 * kKiB;
  w.name = "cond-queue";
  w.title = "bounded queue of process-shared mutex and condition variables";
  w.explain = "Producers and consumers share a queue in shared memory guarded by pthread objects.";
  w.test_name = "Stress.CondQueue";
  w.sample_every = 1;
  w.clauses = {"pshared.other_address", "mutex.pshared.exclusion", "cond.pshared.signal",
               "cond.pshared.no_lost_wakeup", "pshared.memory_sync"};
  w.loss_clause = "cond.pshared.no_lost_wakeup";
  w.make = &MakeCondQueue;
  all->push_back(w);

  w.name = "mixed";
  w.title = "pipes, queues, rings and FIFOs side by side";
  w.explain = "Pairs of processes, each over another transport, all at once.";
  w.test_name = "Stress.Mixed";
  w.shape = Shape::kPaired;
  w.producers = w.consumers = 4;
  w.size_min = 8;
  w.size_max = 8 * kKiB;
  w.kill_producer_upto = 4 * kKiB;
  w.clauses = {"pipe.read.fifo_order", "fifo.io.same_as_pipe",
               "threads.safety.no_loss_no_duplication", "mmap.shared.visible_unrelated"};
  w.loss_clause = "pipe.write.appends";
  w.make = &MakeMixed;
  all->push_back(w);
}

void AddRoundTrips(List* all) {
  WorkloadInfo w = Stream();
  w.waits = false;
  w.shape = Shape::kPaired;
  w.size_min = 8;
  w.size_max = 8 * kKiB;
  w.name = "pingpong-pipe";
  w.title = "round trips over two pipes";
  w.explain = "One message under way: the latency of two hand-overs without queueing.";
  w.test_name = "Stress.PingPongPipe";
  w.producers = w.consumers = 1;
  w.size_default = 8;
  w.kill_producer_upto = w.kill_consumer_upto = 0;
  w.open_loop = false;
  w.unit = "round trips";
  w.clauses = {"pipe.read.blocks_until_data"};
  w.loss_clause = "pipe.read.blocks_until_data";
  w.make = &MakePingPongPipe;
  all->push_back(w);

  w.name = "pingpong-mq";
  w.title = "round trips over two queues";
  w.test_name = "Stress.PingPongMq";
  w.clauses = {"mq_receive.empty.blocks_until_message"};
  w.loss_clause = "mq_receive.empty.blocks_until_message";
  w.make = &MakePingPongMq;
  all->push_back(w);

  w.name = "pingpong-shm";
  w.title = "round trips over two rings in shared memory";
  w.test_name = "Stress.PingPongShm";
  w.clauses = {"mmap.shared.visible_unrelated"};
  w.loss_clause = "mmap.shared.changes_object";
  w.make = &MakePingPongShm;
  all->push_back(w);
}

// What is not a stream, with checks of its own: what that has in common.
WorkloadInfo Alike() {
  WorkloadInfo w = Stream();
  w.uses_ledgers = w.open_loop = w.waits = false;
  w.sample_every = 0;
  w.unit = "operations";
  w.shape = Shape::kAlike;
  w.consumers = 0;
  w.size_min = 8;
  w.size_max = 8 * kKiB;
  return w;
}

void AddOrderMutexAndKills(List* all) {
  WorkloadInfo w = Alike();
  w.name = "mq-order";
  w.title = "exact order of bursts in a queue";
  w.explain =
      "Each process fills and drains a queue of its own with random priorities: the order in which "
      "messages come out is known exactly.";
  w.test_name = "Stress.MqOrder";
  w.shape = Shape::kAlike;
  w.producers = 2;
  w.consumers = 0;
  w.max_priorities = 31;
  w.size_default = 64;
  w.unit = "messages";
  w.clauses = {"mq_receive.order.highest_priority_first", "mq_receive.order.oldest_within_priority",
               "mq_send.content.bytes_preserved"};
  w.loss_clause = "mq_receive.order.highest_priority_first";
  w.make = &MakeMqOrder;
  all->push_back(w);

  w.name = "mutex";
  w.title = "robust process-shared mutex whose owners die";
  w.explain =
      "Processes change two counters together under one mutex, and are killed doing so. Exclusion, "
      "EOWNERDEAD after the death of an owner and only then, pthread_mutex_consistent.";
  w.test_name = "Stress.RobustMutex";
  w.producers = 3;
  w.max_priorities = 1;
  w.kill_producer_upto = 8 * kKiB;
  w.unit = "sections";
  w.clauses = {"mutex.pshared.exclusion", "robust.kill.eownerdead", "robust.consistent.ok",
               "pshared.other_address"};
  w.loss_clause = "robust.waiter_woken";
  w.make = &MakeRobustMutex;
  all->push_back(w);

  w.name = "kill-write";
  w.title = "SIGKILL in mid-write, thousands of times a second";
  w.explain =
      "Victims write into a pipe (or send to a queue) until they are killed. A record of at most "
      "PIPE_BUF bytes is there whole or not at all; a longer one may be there in part; a message "
      "is "
      "whole. One count is one kill.";
  w.test_name = "Stress.KillWrite";
  w.has_raw = false;
  w.producers = 2;
  w.size_default = 4 * kKiB;
  w.size_max = 64 * kKiB;
  w.kill_producer_upto = 0;
  w.signals = false;
  w.unit = "kills";
  w.clauses = {"pipe.write.le_pipe_buf_never_partial", "pipe.write.atomic_le_pipe_buf",
               "exit.waiter.killed_sender_queues_nothing", "mq_send.content.bytes_preserved"};
  w.loss_clause = "pipe.write.le_pipe_buf_never_partial";
  w.make = &MakeKillWrite;
  all->push_back(w);
}

void AddChurnAndNotify(List* all) {
  WorkloadInfo w = Alike();
  w.name = "churn";
  w.title = "races of create, open and unlink";
  w.explain =
      "Processes race for a few names of queues, shared memory objects and FIFOs. Never two "
      "owners, "
      "the owner's unlink finds the name, what is open outlives its name, a new object is new.";
  w.test_name = "Stress.NameChurn";
  w.producers = 3;
  w.unit = "operations";
  w.clauses = {"shm_open.excl.atomic",
               "mq_open.create.excl_atomic",
               "mkfifo.eexist",
               "shm_unlink.removes_name",
               "mq_unlink.basic.removes_name",
               "mq_unlink.deferred.open_descriptors_keep_working",
               "shm_unlink.deferred.open_fd",
               "mq_open.create.new_queue_empty",
               "shm_open.creat.size_zero"};
  w.loss_clause = "shm_unlink.removes_name";
  w.make = &MakeNameChurn;
  all->push_back(w);

  w.name = "create-race";
  w.title = "everybody creates one name at the same moment";
  w.explain =
      "Processes meet and then create a name together, round after round. Without O_EXCL all have "
      "the "
      "same object, with it, and by mkfifo, exactly one creates it.";
  w.test_name = "Stress.CreateRace";
  w.races = true;
  w.producers = 2;
  w.unit = "rounds";
  w.kill_producer_upto = 0;
  w.clauses = {"shm_open.creat.creates", "shm_open.excl.atomic",
               "mq_open.create.plain_creat_race_one_object", "mq_open.create.excl_atomic",
               "mkfifo.eexist"};
  w.loss_clause = "mq_open.create.plain_creat_race_one_object";
  w.make = &MakeCreateRace;
  all->push_back(w);

  w.name = "notify";
  w.races = false;
  w.title = "notification storm";
  w.explain =
      "Bursts arrive at empty queues with a registered receiver: exactly one notification for "
      "each, "
      "with the right code, value and sender; and receivers race for one registration.";
  w.test_name = "Stress.NotifyStorm";
  w.shape = Shape::kPaired;
  w.producers = w.consumers = 2;
  w.unit = "messages";
  w.clauses = {"mq_notify.register.notified_on_arrival_at_empty",
               "mq_notify.register.no_notification_on_nonempty_arrival",
               "mq_notify.sigev_signal.code_and_value",
               "mq_notify.sigev_signal.si_pid_and_si_uid",
               "mq_notify.oneshot.rearm",
               "mq_notify.ebusy.registration_race"};
  w.loss_clause = "mq_notify.register.notified_on_arrival_at_empty";
  w.make = &MakeNotifyStorm;
  all->push_back(w);
}

void AddMemory(List* all) {
  WorkloadInfo w = Alike();
  w.name = "seqlock";
  w.title = "sequence lock in shared memory";
  w.explain = "Writers replace a block of words, readers must see it whole or not at all.";
  w.test_name = "Stress.Seqlock";
  w.shape = Shape::kFanIn;
  w.producers = 1;
  w.consumers = 1;
  w.size_default = 64;
  w.unit = "writes";
  w.clauses = {"memory.lock_free_atomics", "mmap.shared.visible_unrelated"};
  w.loss_clause = "memory.lock_free_atomics";
  w.make = &MakeSeqlock;
  all->push_back(w);

  w.shape = Shape::kPaired;
  w.unit = "outcomes";
  w.races = true;
  w.name = "litmus-mp";
  w.title = "message passing: data, then a flag";
  w.explain =
      "The flag seen (acquire) without the data (release) is forbidden; outcomes are counted.";
  w.test_name = "Stress.LitmusMessagePassing";
  w.make = &MakeMessagePassing;
  all->push_back(w);

  w.name = "litmus-sb";
  w.title = "store buffering without a fence";
  w.explain =
      "Both store and then load the other's cell. 0,0 is allowed and is expected on real machines: "
      "a run that never shows it has proven nothing about the fenced test.";
  w.test_name = "Stress.LitmusStoreBuffer";
  w.make = &MakeStoreBuffer;
  all->push_back(w);

  w.name = "litmus-sb-fence";
  w.title = "store buffering with a fence";
  w.explain = "As litmus-sb with a sequentially consistent fence between: 0,0 is forbidden.";
  w.test_name = "Stress.LitmusStoreBufferFenced";
  w.make = &MakeStoreBufferFenced;
  all->push_back(w);
}

List MakeCatalog() {
  List all;
  AddPipes(&all);
  AddQueueAndRings(&all);
  AddCondQueueAndMixed(&all);
  AddRoundTrips(&all);
  AddOrderMutexAndKills(&all);
  AddChurnAndNotify(&all);
  AddMemory(&all);
  return all;
}

}  // namespace

const std::vector<WorkloadInfo>& AllWorkloads() {
  static const std::vector<WorkloadInfo> all = MakeCatalog();
  return all;
}

const WorkloadInfo* FindWorkload(const std::string& name) {
  for (const WorkloadInfo& info : AllWorkloads()) {
    if (name == info.name) return &info;
  }
  return nullptr;
}

}  // namespace ipcsuite::stress
