// What examples in documents and headers may take for granted.
#pragma once

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "harness/objects/privilege.h"
#include "harness/objects/resources.h"
#include "harness/peers/exec.h"
#include "harness/peers/interrupt.h"
#include "harness/peers/step.h"
#include "harness/test/suite_probe.h"
#include "harness/test/test.h"
#if __has_include("spec/clauses/pipe.h")
#include "spec/clauses/pipe.h"
#include "spec/clauses/pipe_io.h"
#endif
