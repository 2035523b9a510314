#include "repro/layout.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <string_view>

#include "base/text.h"
#include "spec/clause.h"

namespace ipcsuite::repro {
namespace {

constexpr std::size_t kColumns = 98;

// Names of variables with a number at their end that stand in a text.
std::set<std::string> VariablesIn(std::string_view text) {
  std::set<std::string> names;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '"' && (i == 0 || text[i - 1] != '\\')) quoted = !quoted;
    const auto letter = [&](std::size_t at) {
      return at < text.size() &&
             (std::isalnum(static_cast<unsigned char>(text[at])) || text[at] == '_');
    };
    if (quoted || !letter(i)) {
      ++i;
      continue;
    }
    const std::size_t begin = i;
    while (letter(i)) ++i;
    const std::string_view word = text.substr(begin, i - begin);
    const bool numbered = std::isalpha(static_cast<unsigned char>(word.front())) &&
                          std::isdigit(static_cast<unsigned char>(word.back()));
    if (numbered) names.emplace(word);
  }
  return names;
}

// "repro-1", "peer 2": what strings and arrays name.
std::set<std::string> NamesAndPeersIn(const std::string& text) {
  std::set<std::string> names;
  for (const char* before : {"repro-", "thread[", "pid[", "blocked(", "sleeps("}) {
    for (std::size_t at = 0; (at = text.find(before, at)) != text.npos;) {
      at += std::string_view(before).size();
      std::size_t end = at;
      while (end < text.size() && std::isdigit(static_cast<unsigned char>(text[end]))) ++end;
      const std::string number = text.substr(at, end - at);
      const bool own = std::string_view(before) == "repro-";
      if (!number.empty() && (own || number != "0"))
        names.insert((own ? before : "peer ") + number);
    }
  }
  return names;
}

std::set<std::string> VariablesOf(const Segment& segment) {
  std::set<std::string> names;
  for (const std::string& part : segment.parts) names.merge(VariablesIn(part));
  return names;
}

// Neither judges nor lets others go on.
bool IsSetUp(const std::string& line) {
  for (const char* word : {"CALL(", "ISSUE(", "MUST(", "turn", "for (", "if ("})
    if (line.find(word) != line.npos) return false;
  return true;
}

// Whether a line goes on where the one before gave the turn away.
bool GoesOn(const std::string& before, const std::string& line) {
  return before.ends_with("s->turn++;") && line.starts_with("turn(") &&
         !before.starts_with("if (") && !before.starts_with("for (");
}

// Changes nothing.
bool Looks(const std::string& line) {
  return line.starts_with("SETUP(mq_getattr(") || line.starts_with("SETUP(sem_getvalue(");
}

// The variable that a placing segment gives a value; "" when it ends something.
std::string Made(const Segment& segment) {
  const std::string& text = segment.parts.front();
  const std::size_t open = text.find('('), equal = text.find(" = ");
  if (equal == text.npos || text.find('(', open + 1) < equal) return "";
  return text.substr(open + 1, equal - open - 1);
}

// Whether its variable, or a name under which others find the object, is used.
bool MakesWhatIs(const Segment& segment, const std::set<std::string>& used) {
  const std::string made = Made(segment);
  if (made.empty()) return false;
  const std::set<std::string> names = NamesAndPeersIn(segment.parts.front());
  return used.contains(made) ||
         std::ranges::any_of(names, [&](const std::string& name) { return used.contains(name); });
}

}  // namespace

void RemoveUnused(std::vector<Segment>& script) {
  std::set<std::string> used;
  for (const Segment& segment : script) {
    if (segment.places) continue;
    used.merge(VariablesOf(segment));
    for (const std::string& part : segment.parts) used.merge(NamesAndPeersIn(part));
  }
  for (bool more = true; more;) {
    more = false;
    for (const Segment& segment : script) {
      if (!segment.places || !MakesWhatIs(segment, used)) continue;
      std::set<std::string> names = VariablesOf(segment);
      for (const std::string& part : segment.parts) names.merge(NamesAndPeersIn(part));
      for (const std::string& name : names) more |= used.insert(name).second;
    }
  }
  std::erase_if(script, [&](const Segment& segment) {
    if (!segment.places) return false;
    if (!Made(segment).empty()) return !MakesWhatIs(segment, used);
    for (const std::string& name : VariablesOf(segment)) {
      if (used.contains(name)) return false;
    }
    return true;
  });
}

void KeepWhatLeadsTo(std::size_t failing, std::vector<Segment>& script) {
  std::vector<std::set<std::string>> named;
  for (const Segment& segment : script) {
    std::set<std::string> names = VariablesOf(segment);
    for (const std::string& part : segment.parts) names.merge(NamesAndPeersIn(part));
    if (segment.starts > 0) names.insert("peer " + std::to_string(segment.starts));
    if (segment.actor > 0) names.insert("peer " + std::to_string(segment.actor));
    named.push_back(std::move(names));
  }
  std::set<std::string> wanted = named[failing];
  std::vector<bool> kept(script.size());
  for (bool more = true; more;) {
    more = false;
    for (std::size_t i = 0; i < script.size(); ++i) {
      const bool shares = named[i].empty() || std::ranges::any_of(named[i], [&](const auto& name) {
                            return wanted.contains(name);
                          });
      if (kept[i] || !shares) continue;
      kept[i] = more = true;
      wanted.insert(named[i].begin(), named[i].end());
    }
  }
  std::size_t i = 0;
  std::erase_if(script, [&](const Segment&) { return !kept[i++]; });
}

void CountRepetitions(std::vector<Segment>& script) {
  constexpr std::size_t kFew = 2;  // stand one below the other
  for (std::size_t i = 0; i < script.size(); ++i) {
    const Segment first = script[i];
    std::size_t end = i + 1;
    while (end < script.size() && script[end].actor == first.actor &&
           script[end].parts == first.parts)
      ++end;
    std::string text;
    for (const std::string& part : first.parts) text += " " + part;
    const bool plain = !first.issues && !first.returns && first.starts == 0 && !text.empty();
    const std::string head = "for (int i = 0; i < " + std::to_string(end - i) + "; ++i) {";
    if (!plain || end - i <= kFew || head.size() + text.size() + 2 > kColumns) continue;
    script[i].parts = {head + text + " }"};
    script.erase(script.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                 script.begin() + static_cast<std::ptrdiff_t>(end));
  }
}

namespace {

// Of the last issued call: by which step it returns, or that nobody does anything meanwhile.
void Settle(std::vector<std::string>& lines, const std::string& by) {
  constexpr std::string_view kOpen = "ISSUE(@, ";
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    if (const std::size_t at = line->rfind(kOpen); at != line->npos) {
      line->replace(at, kOpen.size(), by);
      return;
    }
  }
}

}  // namespace

Layout Arrange(const std::vector<Segment>& script, int peers) {
  Layout layout;
  int turn = 0, group = 0;  // the turn of the calls that return together
  bool in_group = false, waits = false;
  for (std::size_t i = 0; i < script.size(); ++i) {
    const Segment& segment = script[i];
    std::vector<std::string>& lines = layout.lines[segment.actor];
    std::string line;
    const auto add = [&](const std::string& part) {
      const bool alone = line.starts_with("if (") || part.starts_with("if (");
      if (!line.empty() && (alone || line.size() + 3 + part.size() > kColumns)) {
        lines.push_back(line);
        line.clear();
      }
      line += (line.empty() ? "" : " ") + part;
    };
    const bool first = waits || (i > 0 && script[i - 1].actor != segment.actor);
    if (first) {
      ++turn;
      if (!segment.returns || !in_group) group = turn;
      add("turn(" + std::to_string(group) + ");");
      if (segment.returns) Settle(lines, "ISSUE(" + std::to_string(group) + ", ");
    }
    if (!segment.gives_up) in_group = segment.returns;
    // What follows the return of one waits for those of the others.
    waits = i + 1 < script.size() && segment.returns && group != turn &&
            script[i + 1].actor == segment.actor && !script[i + 1].gives_up;
    const bool last =
        i + 1 < script.size() ? waits || script[i + 1].actor != segment.actor : segment.actor != 0;
    if (segment.returns && !first) Settle(lines, "CALL(");
    for (const std::string& part : segment.parts) add(part);
    if (last && !segment.issues && peers > 0) add("s->turn++;");
    // Calls of the set-up stand side by side; what was looked at twice in a row is shown once.
    const bool together = !lines.empty() && ((!first && IsSetUp(line) && IsSetUp(lines.back())) ||
                                             GoesOn(lines.back(), line));
    if (together && lines.back().size() + 1 + line.size() <= kColumns) {
      lines.back() += " " + line;
    } else if (!line.empty() && !(Looks(line) && !lines.empty() && lines.back() == line)) {
      lines.push_back(line);
    }
  }
  if (!script.empty() && script.back().actor != 0) layout.last_turn = turn + 1;
  return layout;
}

bool Names(const std::string& text, const std::string& variable) {
  return VariablesIn(text).contains(variable);
}

std::string Wrapped(const std::string& line) {
  std::string text, rest = line;
  while (rest.size() > kColumns) {
    std::size_t best = 0;
    bool quoted = false;
    for (std::size_t i = 0; i < kColumns; ++i) {
      if (rest[i] == '"' && (i == 0 || rest[i - 1] != '\\')) quoted = !quoted;
      const std::string_view from = std::string_view(rest).substr(i);
      if (!quoted && i > 8 && (from.starts_with(", ") || from.starts_with("; "))) best = i + 1;
      if (!quoted && i > 8 && (from.starts_with(" && ") || from.starts_with(" || "))) best = i + 3;
    }
    if (best == 0) break;
    text += rest.substr(0, best) + "\n";
    rest = "      " + rest.substr(best + 1);
  }
  return text + rest;
}

std::string Block(std::vector<std::string> lines) {
  const auto join = [&](std::size_t i) {  // with the next one
    if (i + 1 >= lines.size() || lines[i].size() + lines[i + 1].size() + 3 > kColumns) return;
    if (lines[i].starts_with("for (")) return;
    lines[i] += " " + lines[i + 1];
    lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(i) + 1);
  };
  join(0);
  if (lines.size() > 1) join(lines.size() - 2);
  std::string text;
  for (const std::string& line : lines) text += Wrapped("  " + line) + "\n";
  return text;
}

std::string HeadInC(const TestEntry& test, bool conforms) {
  std::string text = "/* " + test.name + "\n";
  const std::string end = std::string(" * Exit status: 0 conforms, 1 deviates") +
                          (conforms ? "" : " (as where this was recorded)") +
                          ", 77 cannot tell. */\n";
  if (test.meta->clauses.empty()) return text + end;
  const ipcsuite::Clause& clause = Get(test.meta->clauses.front());
  std::string line = " *";
  for (const std::string& word : Split(std::string(clause.id) + " (" + std::string(clause.source) +
                                           "): " + std::string(clause.requires_text),
                                       " \n")) {
    if (line.size() + word.size() > 96) text += line + "\n", line = " *";
    line += " " + word;
  }
  return text + line + "\n" + end;
}

std::string WithoutSharing(std::string text) {
  for (std::size_t at; (at = text.find("&s->")) != text.npos;) text.replace(at, 4, "&");
  return text;
}

}  // namespace ipcsuite::repro
