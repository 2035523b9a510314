// Private to reports/: pieces that the page of a run and the page of a comparison share.
//
// The page is one file that works from file://: styles and script are inside. What it says stands
// in the HTML itself; the script only adds search, filters, copy buttons and the opening of what a
// link points at. Texts of a result are escaped; drawings are put in as they are, so the page
// carries a content security policy that runs no script but ours.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "reports/results/model.h"

namespace ipcsuite::report::html {

// Whole document. `text_id` should differ for different contents: it makes the script's nonce.
std::string Page(const std::string& title, const std::string& body, std::string_view text_id);

std::string Badge(Verdict verdict);       // mark and word
std::string Code(std::string_view text);  // <code>
// The same with places to break a long name: behind . _ / | , : and before a capital in a word.
std::string BreakableCode(std::string_view text);
std::string Anchor(const char* kind, std::string_view name);  // id attribute value, "c-mq_send.x"
std::string LinkTo(const char* kind, std::string_view name);  // <a href="#c-..."><code>name

// <section> with a heading that can be linked to.
std::string Section(const std::string& id, const std::string& title, const std::string& body);

// "<tr><th>label<td>content" (a th that starts a row is its header): nothing if the content is
// empty. `content` is HTML.
std::string Row(const std::string& label, const std::string& content);

// A figure: title, drawing, description. A drawing that is no single <svg> element becomes text.
std::string Drawing(const std::string& title, const std::string& description,
                    const std::string& svg);

// A value of the environment; a long list (capabilities) is folded behind its length.
std::string FoldedValue(const std::string& value);

// A <pre> of at most 64 KiB; what is cut off is announced.
std::string Pre(const std::string& text);

// Search field and filters over the lists; hidden until the script shows it. `tail`: HTML at its
// end, which stays in sight with it.
std::string FilterBar(const std::vector<std::string>& interfaces,
                      const std::vector<std::string>& kinds, const std::vector<Verdict>& verdicts,
                      const std::string& show_options, bool confidence,
                      const std::string& tail = "");

// ---- Parts of the page of one run -------------------------------------------------------------

std::string ClauseMatrix(const Run& run);
std::string ClauseList(const Run& run);
std::string TestList(const Run& run);
// Body of one test: outcome, evidence, attachments, command. `finding`: shown open at the top.
std::string TestBody(const TestRecord& test, bool finding);
std::string ObservedValues(const Run& run);
std::string Performance(const Run& run);
std::string Detection(const Run& run);
std::string EnvironmentCard(const Run& run);

// Functions of the clauses in the order of the catalogue: (suite, function) -> clauses.
struct FunctionGroup {
  std::string suite, function;
  std::vector<const ClauseRecord*> clauses;
};
std::vector<FunctionGroup> GroupByFunction(const std::vector<ClauseRecord>& clauses);

}  // namespace ipcsuite::report::html
