// Private to reports/: pieces that the page of a run, of a comparison and of a history share.
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

#include "base/markup.h"
#include "reports/results/finding.h"
#include "reports/results/model.h"

namespace ipcsuite::report::html {

// Whole document. `text_id` should differ for different contents: it makes the script's nonce.
std::string Page(const std::string& title, const std::string& body, std::string_view text_id);

Element Styled(std::string_view name, std::string_view css_class);
std::string Paragraph(std::string_view css_class, std::string_view text);  // <p>, text escaped

std::string Badge(Verdict verdict);       // mark and word
std::string Tag(std::string_view text);   // a small frame around it; "" of an empty text
std::string Code(std::string_view text);  // <code>
std::string Count(std::size_t n);
// <code> with places to break a long name: after . _ / | , : and before a capital in a word.
std::string BreakableCode(std::string_view text);
// Escaped, with places to break after _ and the dot.
std::string Breakable(std::string_view name);
std::string Anchor(const char* kind, std::string_view name);  // id attribute value, "c-mq_send.x"
std::string LinkTo(const char* kind, std::string_view name);  // <a href="#c-..."><code>name
// One below the other.
std::string LinksTo(const char* kind, const std::vector<std::string>& names);

// <section> with a heading that can be linked to.
std::string Section(const std::string& id, const std::string& title, const std::string& body);
// Closed until somebody opens it; "" without content.
std::string Folded(const std::string& summary, const std::string& content);

// A row of a table of facts: nothing if the content, which is HTML, is empty.
std::string FactRow(std::string_view label, const std::string& content);
std::string Facts(const std::string& rows);  // the table around them; "" without rows

// A table that scrolls sideways where it is too wide.
class Table {
 public:
  struct Cell {
    Cell(std::string markup, std::string_view style = "")  // NOLINT: a cell is mostly its markup
        : html(std::move(markup)), css_class(style) {}
    std::string html;
    std::string css_class;  // "n" for a number, "long" for a text, "differs"
  };
  // Columns whose name ends in '#' hold numbers; the '#' is not shown.
  Table(std::string caption, const std::vector<std::string>& columns);
  Table& HideCaption();
  // On a narrow screen each row becomes a card with the names of its columns.
  Table& Stacks();
  // The first cell is the head of the row.
  Table& Row(const std::vector<Cell>& cells);
  std::size_t rows() const { return rows_; }
  std::string str() const;  // "" without rows

 private:
  std::string caption_;
  std::vector<std::string> columns_;
  std::string body_;
  std::size_t rows_ = 0;
  bool hide_caption_ = false, stacks_ = false;
};

// A figure: title, drawing, description. A drawing that is not a single <svg> element becomes text.
std::string Drawing(const std::string& title, const std::string& description,
                    const std::string& svg);

// A value of the environment; a long list (capabilities) is folded, its length stands for it.
std::string FoldedValue(const std::string& value);

// A <pre> of at most 64 KiB; what is cut off is announced.
std::string Pre(const std::string& text);

// The heading of a page: a line above, the title, the verdict. `good`: "good", "known" or "bad".
std::string Heading(const std::string& over, const std::string& title, std::string_view good,
                    const std::string& verdict);
// Links to the sections that have content, and these sections.
struct Part {
  const char* id;
  const char* title;
  std::string body;
};
std::string NavigationAndSections(const std::vector<Part>& parts);

// Search field and filters over the lists; hidden until the script shows it. `tail`: HTML at its
// end, which stays in sight with it.
std::string FilterBar(const std::vector<std::string>& interfaces,
                      const std::vector<std::string>& kinds, const std::vector<Verdict>& verdicts,
                      const std::string& show_options, bool confidence,
                      const std::string& tail = "");
// A group of items in a list, closed until the script finds something in it.
std::string ListGroup(const std::string& id, const std::string& name, const std::string& suite,
                      const std::string& counts, const std::string& items);

// ---- Parts of the page of one run -------------------------------------------------------------

std::string FindingCards(const Run& run);
std::string LostTable(const Run& run);
std::string ClauseMatrix(const Run& run);
std::string ClauseList(const Run& run);
std::string TestList(const Run& run);
// What the body of a test refers to. Views into the run, which must outlive it.
struct References {
  explicit References(const Run& run);
  ClauseIndex clauses;
  std::string sources;  // of the sources, with {file} and {line} in it; empty: no links
};
// Body of one test: the paragraph of a finding, or what a green one shows.
std::string TestBody(const TestRecord& test, const References& references);
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
