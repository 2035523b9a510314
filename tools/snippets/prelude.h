// What examples in documents and headers may take for granted.
#pragma once

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "harness/test/test.h"
#include "spec/clauses/mqueue.h"
#include "spec/clauses/pipe.h"
#include "spec/clauses/pipe_io.h"
