// Parts of the page that are made from observations, and from the document of the stress part,
// whose shape is its own: plots and tables are drawn, the rest as tables too.
#include <algorithm>
#include <map>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "reports/page/html_parts.h"
#include "reports/results/text.h"

namespace ipcsuite::report::html {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kRowsShown = 2000, kRowsOpen = 12;

std::string Cell(const Json& value) {
  if (value.is_string()) return Escape(Shorten(value.get<std::string>(), 4000));
  if (value.is_number_float()) return Escape(Number(value.get<double>()));
  // Beyond 15 digits it is an identifier (a seed), not a quantity, and a double would round it.
  if (value.is_number_integer() && value.dump().size() <= 15)
    return Escape(Number(value.get<double>()));
  if (value.is_null()) return "";
  return Escape(Shorten(value.dump(-1, ' ', false, Json::error_handler_t::replace), 4000));
}

std::string CellClass(const Json& value) {
  constexpr std::size_t kLong = 30;  // characters; such a text gets a wider column
  if (value.is_number()) return "n";
  return value.is_string() && value.get_ref<const std::string&>().size() > kLong ? "long" : "";
}

std::string TableOfRows(const std::string& title, const Json& columns, const Json& rows) {
  std::vector<std::string> names;
  for (const Json& c : columns) names.push_back(c.is_string() ? c.get<std::string>() : c.dump());
  Table table(title, names);
  std::size_t n = 0;
  for (const Json& row : rows) {
    if (++n > kRowsShown || !row.is_array()) continue;
    std::vector<Table::Cell> cells;
    for (const Json& value : row) cells.push_back({Cell(value), CellClass(value)});
    table.Row(cells);
  }
  std::string out = table.str();
  if (n > kRowsShown)
    out += Paragraph("cut", Count(n - kRowsShown) + " more rows are in the JSON result.");
  return n > kRowsOpen ? Folded(title + " (" + Count(n) + " rows)", out) : out;
}

// A list of objects as a table: its columns are the members that hold plain values.
std::string TableOfObjects(const std::string& title, const Json& list) {
  Json columns = Json::array(), rows = Json::array();
  for (const Json& object : list) {
    if (!object.is_object()) return Pre(list.dump(1));
    for (const auto& [key, value] : object.items()) {
      if (value.is_structured() ||
          std::find(columns.begin(), columns.end(), Json(key)) != columns.end()) {
        continue;
      }
      columns.push_back(key);
    }
  }
  for (const Json& object : list) {
    Json row = Json::array();
    for (const Json& key : columns) {
      const auto found = object.find(key.get<std::string>());
      row.push_back(found == object.end() ? Json() : *found);
    }
    rows.push_back(std::move(row));
  }
  return columns.empty() ? "" : TableOfRows(title, columns, rows);
}

bool IsPlot(const Json& json) {
  return json.is_object() && json.contains("svg") && json["svg"].is_string();
}

std::string Words(std::string key) {
  std::replace(key.begin(), key.end(), '_', ' ');
  if (!key.empty() && key[0] >= 'a' && key[0] <= 'z')
    key[0] = static_cast<char>(key[0] - 'a' + 'A');
  return key;
}

std::string Any(const std::string& title, const Json& json, int depth);

std::string Members(const std::string& title, const Json& object, int depth) {
  std::string facts, first, plots, rest;
  for (const auto& [key, value] : object.items()) {
    if (value.is_structured()) {
      (key == "facts" ? first : key == "plots" ? plots : rest) += Any(Words(key), value, depth + 1);
    } else if (key != "title" && key != "schema_version") {
      facts += FactRow(Words(key), Cell(value));
    }
  }
  rest = first + plots + rest;
  std::string out;
  if (!facts.empty()) {
    out = Styled("table", "facts").Add(Element("caption").Text(title)).Add(facts);
  } else if (!rest.empty() && depth > 0) {
    out = Element("h3").Text(title);
  }
  return out + rest;
}

std::string Any(const std::string& title, const Json& json, int depth) {
  if (depth > 6) return Pre(json.dump(1));
  const auto text = [&](const char* key) {
    return json.contains(key) && json[key].is_string() ? json[key].get<std::string>()
                                                       : std::string();
  };
  if (IsPlot(json)) return Drawing(text("title"), text("description"), text("svg"));
  if (json.is_object()) {
    if (json.contains("columns") && json.contains("rows") && json["columns"].is_array() &&
        json["rows"].is_array()) {
      const std::string own = text("title");
      return TableOfRows(own.empty() ? title : own, json["columns"], json["rows"]);
    }
    const std::string own = text("title");
    return Members(own.empty() ? title : own, json, depth);
  }
  if (!json.is_array() || json.empty()) return "";
  if (std::all_of(json.begin(), json.end(), [](const Json& j) {
        return IsPlot(j) || (j.is_object() &&
                             (j.contains("rows") || j.contains("plots") || j.contains("tables")));
      })) {
    std::string out;
    for (const Json& one : json) out += Any(title, one, depth + 1);
    return out;
  }
  if (json.front().is_object()) return TableOfObjects(title, json);
  return Folded(title, Pre(json.dump()));
}

// Observations that are cells of one table, over all tests.
struct Grid {
  std::vector<std::string> rows, columns;
  std::map<std::pair<std::string, std::string>, std::string> cells;
};

std::vector<std::pair<std::string, Grid>> Grids(const Run& run) {
  std::vector<std::pair<std::string, Grid>> grids;
  const auto add_unique = [](std::vector<std::string>& list, const std::string& value) {
    if (std::find(list.begin(), list.end(), value) == list.end()) list.push_back(value);
  };
  for (const TestRecord& t : run.tests) {
    for (const Observation& o : t.observations) {
      const auto parsed = CellOf(o.key);
      if (!parsed) continue;
      const auto& [table, row, column] = *parsed;
      Grid* grid = nullptr;
      for (auto& [name, known] : grids) grid = name == table ? &known : grid;
      if (grid == nullptr) grid = &grids.emplace_back(table, Grid{}).second;
      add_unique(grid->rows, row);
      add_unique(grid->columns, column);
      std::string& cell = grid->cells[{row, column}];
      if (cell.empty()) {
        cell = o.value;
      } else if (cell != o.value) {
        cell += ", " + o.value;
      }
    }
  }
  // Tests run in parallel: their order says nothing about the rows.
  for (auto& [name, grid] : grids) std::sort(grid.rows.begin(), grid.rows.end());
  return grids;
}

std::string GridTable(const std::string& name, const Grid& grid) {
  std::vector<std::string> head = {""};
  head.insert(head.end(), grid.columns.begin(), grid.columns.end());
  Table table("Table: " + name, head);
  for (const auto& row : grid.rows) {
    std::vector<Table::Cell> cells = {Escape(row)};
    for (const auto& column : grid.columns) {
      const auto found = grid.cells.find({row, column});
      cells.push_back(found == grid.cells.end() ? "" : BreakableCode(found->second));
    }
    table.Row(cells);
  }
  return Folded("Table: " + name + " (" + Count(grid.rows.size()) + " rows)", table.str());
}

double Spread(const Metric& m, bool high) {
  double value = m.samples.front();
  for (const double s : m.samples) value = high ? std::max(value, s) : std::min(value, s);
  return value;
}

std::string MetricTable(const Run& run) {
  Table table("Measured by tests; the unit is the end of the name",
              {"Test", "Figure", "Median#", "Range#", "Samples#"});
  for (const TestRecord& t : run.tests) {
    for (const Metric& m : t.metrics) {
      const std::string range =
          m.samples.empty() ? "" : Number(Spread(m, false)) + " to " + Number(Spread(m, true));
      table.Row({LinkTo("t", t.name),
                 Escape(m.name),
                 {Escape(Number(m.value)), "n"},
                 {Escape(range), "n"},
                 {Count(m.samples.size()), "n"}});
    }
  }
  return Folded("Measured by tests (" + Count(table.rows()) + " figures)", table.str());
}

}  // namespace

std::string ObservedValues(const Run& run) {
  Table table("What was seen where the standard leaves the outcome open, and facts worth comparing",
              {"Fact", "Value", "Clause", "Test"});
  for (const TestRecord& t : run.tests) {
    for (const Observation& o : t.observations) {
      if (CellOf(o.key)) continue;
      table.Row({Escape(o.key), BreakableCode(Shorten(o.value, 2000)),
                 o.clause.empty() ? "" : LinkTo("c", o.clause), LinkTo("t", t.name)});
    }
  }
  std::string out = Folded("Facts (" + Count(table.rows()) + ")", table.str());
  for (const auto& [name, grid] : Grids(run)) out += GridTable(name, grid);
  return out;
}

std::string Performance(const Run& run) {
  std::string out;
  if (!run.stress_json.empty()) {
    const Json json = Json::parse(run.stress_json, nullptr, false);
    out = json.is_discarded() ? Pre(run.stress_json) : Any("Stress", json, 0);
  }
  return out + MetricTable(run);
}

}  // namespace ipcsuite::report::html
