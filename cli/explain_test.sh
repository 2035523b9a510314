#!/bin/bash
# `ipcsuite explain` names the places where a clause is tested and where its faults and known
# deviations are.
. cli/launcher/testing.sh
program=cli/ipcsuite

out=$($program explain mq_timedsend.timeout.negative_seconds)
expect 'a clause: status' 0 $?
expect_match 'its requirement' '*requires:*negative tv_sec*' "$out"
expect_match 'its test with the place of the definition' \
  '*test:*MqNegativeSecondsWithAWait.OfMqTimedsend (suites/mqueue/timed_test.cc:[1-9]*)*' "$out"
expect_match 'its known bug' '*known bug:*linux.negative_tv_sec_einval (open)*' "$out"
expect_match 'what is disputed' '*reading:*reading:*decided by:*' "$out"
out=$($program explain mq_timedsend.timeout.nonblock_like_mq_send)
expect_match 'its expectation with the place of the entry' \
  '*expectation:*linux-mq-invalid-abstime-before-eagain*linux-mqueue.json:[1-9]*' "$out"

out=$($program explain pipe.read.fifo_order)
expect_match 'instances share a definition' '*PipeRead.BytesComeInOrderEachOnce (*), 3 instances*' "$out"
expect_match 'its faults' '*fault:*read_swaps_last_bytes (easy, faults/bank/*.cc:[1-9]*' "$out"

out=$($program explain PipeRead.BytesComeInOrderEachOnce)
expect_match 'a test: its clauses' '*defined: *suites/pipe/read_test.cc:*clause: *pipe.read.fifo_order*' "$out"

out=$($program explain MqClose.OfAFilesDescriptorFailsWithEbadf)
expect_match 'a test: its known deviation' '*expectation:*linux-mq-close-is-close (*' "$out"

out=$($program explain mq_close)
expect_match 'a function: its clauses with their tests' \
  '*clause:*mq_close.error.ebadf (shall-error)*test:*MqClose.OfAFilesDescriptorFailsWithEbadf (*' "$out"
out=$($program explain 'mq_close.error.*')
expect_match 'a pattern of clauses' 'clause:*mq_close.error.ebadf (shall-error)*' "$out"
out=$($program explain 'MqClose.*')
expect_match 'a pattern of tests' '*test:*MqClose.OfAFilesDescriptorFailsWithEbadf (suites/mqueue/*' "$out"

out=$($program explain linux-mq-close-is-close)
expect_match 'a deviation: its place, reason and tests' \
  'deviation:*defined:*linux-mqueue.json:[1-9]*reason:*test:*MqClose.OfAFilesDescriptorFailsWithEbadf (*' "$out"
out=$($program explain read_swaps_last_bytes)
expect_match 'a fault: its place and the clauses that it breaks' \
  'fault:*[(]easy, faults/bank/*.cc:[1-9]*does:*clause:*pipe.read.fifo_order: *' "$out"

out=$($program explain pipe.read.sideways 2>&1)
expect 'an unknown name: status' 2 $?
expect_match 'an unknown name: one line' "ipcsuite: 'pipe.read.sideways' is neither *" "$out"
finish
