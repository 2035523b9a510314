// Makes a wrong history small, exactly: every step keeps it wrong, and leaves out only what can be
// left out of a right history without making it wrong. So if the small one is wrong, so is the
// whole.
#pragma once

#include "props/history/check.h"
#include "props/history/history.h"

namespace ipcsuite::props {

// Left out are operations without effect, whole values (their send with their receive, all bytes of
// their record), and whole processes made of these. Where an outcome depends on the object being
// full (a failed send, a count) values stay, since leaving one out could make that outcome wrong.
// Returns `history` itself when it is not wrong.
History MinimizeHistory(const History& history, const CheckOptions& options = {});

}  // namespace ipcsuite::props
