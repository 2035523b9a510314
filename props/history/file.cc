#include "props/history/file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <utility>

namespace ipcsuite::props {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::pair<OpFlag, const char*>, 11> kFlagNames = {{
    {kNonblock, "nonblock"},
    {kPastDeadline, "past_deadline"},
    {kNearDeadline, "near_deadline"},
    {kCreate, "creat"},
    {kExclusive, "excl"},
    {kTruncate, "trunc"},
    {kReadOnly, "rdonly"},
    {kPrivate, "private"},
    {kViaPoll, "via_poll"},
    {kGather, "iovec"},
    {kStamped, "stamped"},
}};

Json Header(const History& history) {
  const HistoryModel& model = history.model;
  Json header;
  header["ipcsuite_history"] = kHistoryVersion;
  header["model"] = model.name;
  header["drained"] = model.drained;
  header["signals"] = model.signals;
  if (model.name == "queue") header["max_messages"] = model.max_messages;
  if (model.name == "semaphore") header["initial_value"] = model.initial_value;
  if (model.name == "barrier") header["count"] = model.count;
  if (model.name == "pipe") {
    header["pipe_buf"] = model.pipe_buf;
    header["fifo"] = model.fifo;
    header["short_reads"] = model.short_reads;
    header["readers"] = model.readers;
    header["writers"] = model.writers;
  }
  if (!history.origin.empty()) header["origin"] = history.origin;
  return header;
}

Json ToJson(const Op& op, const std::vector<Piece>& pieces) {
  Json line;
  line["p"] = op.process;
  line["call"] = Name(op.call);
  const auto add = [&](const char* key, auto value) {
    if (value != 0) line[key] = value;
  };
  add("obj", op.object);
  add("value", op.value);
  add("prio", op.priority);
  add("amount", op.amount);
  for (const auto& [flag, name] : kFlagNames) {
    if (op.Has(flag)) line["flags"].push_back(name);
  }
  add("result", op.result);
  if (op.error != 0) {
    const std::string name = ErrorName(op.error);
    line["error"] = ErrorFromName(name).has_value() ? Json(name) : Json(op.error);
  }
  line["invoke"] = op.invoke;
  add("return", op.ret);
  add("t0_ns", op.invoke_ns);
  add("t1_ns", op.return_ns);
  add("early_ns", op.early_ns);
  if (!op.Returned()) line["fate"] = Name(op.fate);
  for (std::uint64_t i = 0; i < op.piece_count; ++i) {
    const Piece& piece = pieces[op.piece_begin + i];
    line["pieces"].push_back({piece.record, piece.offset, piece.length});
  }
  return line;
}

// An integer, or a bool, that T holds.
template <typename T>
T Value(const Json& json, const char* key) {
  const bool fits = std::is_same_v<T, bool> ? json.is_boolean()
                                            : json.is_number_unsigned() ||
                                                  (std::is_signed_v<T> && json.is_number_integer());
  if (!fits) throw std::runtime_error(fmt::format("\"{}\" has the wrong type", key));
  if constexpr (!std::is_same_v<T, bool>) {
    const bool holds = json.is_number_unsigned() ? std::in_range<T>(json.get<std::uint64_t>())
                                                 : std::in_range<T>(json.get<std::int64_t>());
    if (!holds) throw std::runtime_error(fmt::format("\"{}\" is too large", key));
  }
  return json.get<T>();
}

template <typename T>
T Get(const Json& line, const char* key, T absent) {
  const auto at = line.find(key);
  return at == line.end() ? absent : Value<T>(*at, key);
}

HistoryModel ReadHeader(const Json& line, std::string& origin) {
  const auto version = Get<int>(line, "ipcsuite_history", 0);
  if (version != kHistoryVersion) {
    if (version == 0) {
      throw std::runtime_error("not a history file: the first line has no \"ipcsuite_history\"");
    }
    throw std::runtime_error(fmt::format("history of version {}, this program reads version {}",
                                         version, kHistoryVersion));
  }
  HistoryModel model;
  model.name = line.value("model", model.name);
  origin = line.value("origin", "");
  model.max_messages = Get(line, "max_messages", model.max_messages);
  model.initial_value = Get(line, "initial_value", model.initial_value);
  model.count = std::max<std::uint64_t>(1, Get(line, "count", model.count));
  model.pipe_buf = Get(line, "pipe_buf", model.pipe_buf);
  model.fifo = Get(line, "fifo", model.fifo);
  model.short_reads = Get(line, "short_reads", model.short_reads);
  model.signals = Get(line, "signals", model.signals);
  model.readers = Get(line, "readers", model.readers);
  model.writers = Get(line, "writers", model.writers);
  model.drained = Get(line, "drained", model.drained);
  return model;
}

int ReadError(const Json& line) {
  const auto at = line.find("error");
  if (at == line.end()) return 0;
  if (at->is_number_integer()) return Value<int>(*at, "error");
  const auto name = at->get<std::string>();
  const std::optional<int> number = ErrorFromName(name);
  if (!number.has_value()) throw std::runtime_error("unknown error \"" + name + "\"");
  return *number;
}

std::uint16_t ReadFlags(const Json& line) {
  std::uint16_t flags = 0;
  const auto at = line.find("flags");
  if (at == line.end()) return flags;
  for (const Json& name : *at) {
    bool known = false;
    for (const auto& [flag, text] : kFlagNames) {
      if (name != text) continue;
      flags = static_cast<std::uint16_t>(flags | flag);
      known = true;
    }
    if (!known) throw std::runtime_error("unknown flag " + name.dump());
  }
  return flags;
}

Op ReadOp(const Json& line, std::vector<Piece>& pieces) {
  for (const char* key : {"p", "call", "invoke"}) {
    if (!line.contains(key)) throw std::runtime_error(fmt::format("\"{}\" is missing", key));
  }
  Op op;
  const auto call = line.at("call").get<std::string>();
  const std::optional<Call> known = CallFromName(call);
  if (!known.has_value()) throw std::runtime_error("unknown call \"" + call + "\"");
  op.call = *known;
  op.process = Get<std::uint16_t>(line, "p", 0);
  op.object = Get<std::uint32_t>(line, "obj", 0);
  op.value = Get<std::uint64_t>(line, "value", 0);
  op.priority = Get<std::uint32_t>(line, "prio", 0);
  op.amount = Get<std::uint64_t>(line, "amount", 0);
  op.flags = ReadFlags(line);
  op.result = Get<std::int64_t>(line, "result", 0);
  op.error = ReadError(line);
  op.invoke = Get<std::uint64_t>(line, "invoke", 0);
  op.ret = Get<std::uint64_t>(line, "return", 0);
  op.invoke_ns = Get<std::int64_t>(line, "t0_ns", 0);
  op.return_ns = Get<std::int64_t>(line, "t1_ns", 0);
  op.early_ns = Get<std::int64_t>(line, "early_ns", 0);
  const auto fate_name = line.value("fate", "returned");
  const std::optional<Fate> fate = FateFromName(fate_name);
  if (!fate.has_value()) throw std::runtime_error("unknown fate \"" + fate_name + "\"");
  op.fate = *fate;
  op.piece_begin = pieces.size();
  if (const auto at = line.find("pieces"); at != line.end()) {
    for (const Json& piece : *at) {
      pieces.push_back({Value<std::uint64_t>(piece.at(0), "pieces"),
                        Value<std::uint32_t>(piece.at(1), "pieces"),
                        Value<std::uint32_t>(piece.at(2), "pieces")});
      ++op.piece_count;
    }
  }
  return op;
}

}  // namespace

std::string WriteHistory(const History& history) {
  std::string text = Header(history).dump() + "\n";
  for (const Op& op : history.ops) text += ToJson(op, history.pieces).dump() + "\n";
  return text;
}

bool HistoryReader::Take(std::string_view line) {
  ++number_;
  if (line.empty() || line.front() == '#') return true;
  try {
    const Json json = Json::parse(line);
    if (!json.is_object()) throw std::runtime_error("not a JSON object");
    if (header_seen_) {
      history_.ops.push_back(ReadOp(json, history_.pieces));
    } else {
      history_.model = ReadHeader(json, history_.origin);
      header_seen_ = true;
    }
    return true;
  } catch (const nlohmann::json::parse_error&) {
    error_ = fmt::format("line {}: not JSON", number_);
  } catch (const std::exception& problem) {
    error_ = fmt::format("line {}: {}", number_, problem.what());
    std::ranges::replace(error_, '\n', ' ');  // words of the file may have some
  }
  return false;
}

bool HistoryReader::End() {
  if (!header_seen_ && error_.empty()) error_ = "line 1: the file is empty";
  return error_.empty();
}

History ReadHistory(std::string_view text, std::string& error) {
  HistoryReader reader;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const bool fits = reader.Take(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!fits) break;
  }
  reader.End();
  error = reader.error();
  SortByInvoke(reader.history().ops);
  return std::move(reader.history());
}

}  // namespace ipcsuite::props
