// What <fcntl.h> lets compile. The snippets in headers/ were compiled when this program was built:
// the platform's header is judged as it was there.
#include "harness/test/test.h"
#include "spec/clauses/pipe.h"
#include "suites/pipe/header_checks.h"

namespace ipcsuite::pipe_suite {
namespace {

struct HeaderRow {
  const char* name;
  Claims claims;
  const char* snippet;
};
const HeaderRow kHeader[] = {
    {.name = "DefinesTheCommands",
     .claims = {clause::fcntl_h::commands},
     .snippet = "fcntl_commands"},
    {.name = "DefinesTheCreationFlags",
     .claims = {clause::fcntl_h::creation_flags},
     .snippet = "fcntl_creation_flags"},
    {.name = "DefinesTheStatusFlags",
     .claims = {clause::fcntl_h::status_flags},
     .snippet = "fcntl_status_flags"},
    {.name = "DefinesTheAccessModes",
     .claims = {clause::fcntl_h::access_modes},
     .snippet = "fcntl_access_modes"},
    {.name = "DefinesOExec", .claims = {clause::fcntl_h::o_exec}, .snippet = "fcntl_o_exec"},
    {.name = "DefinesOTtyInit",
     .claims = {clause::fcntl_h::o_tty_init},
     .snippet = "fcntl_o_tty_init"},
    {.name = "DefinesTheNamesOfTheAtFunctions",
     .claims = {clause::fcntl_h::at_names},
     .snippet = "fcntl_at"},
    {.name = "DefinesTheModes", .claims = {clause::fcntl_h::modes}, .snippet = "fcntl_modes"},
    {.name = "DeclaresTheRest",
     .claims = {clause::fcntl_h::declarations},
     .snippet = "fcntl_declarations"},
};
IPC_TABLE_TEST(FcntlHeader, HeaderRow, kHeader) {
  const compile_checks::Result& result =
      compile_checks::Judged(compile_checks::kResults, row.snippet, "fcntl.h");
  NoteChecks();
  EXPECT_TRUE(result.compiles) << result.message;
}

}  // namespace
}  // namespace ipcsuite::pipe_suite
