// What the slices of a cell amount to, and how numbers are written, for records and documents.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "stress/campaign/campaign.h"

namespace ipcsuite::stress {

// Means over the checked slices without nemeses.
struct Means {
  double fairness = 0, voluntary = 0, involuntary = 0, cpu_ns = 0, faults = 0, steal = 0;
  std::uint64_t major = 0, memory = 0;
};

Means MeansOf(const Cell& cell);

// Sums over all slices.
struct Totals {
  std::uint64_t caught = 0, caught_in_call = 0, eintr = 0;
  std::uint64_t excused_producer = 0, excused_consumer = 0, by_fingerprint = 0;
  OrderResult order;  // without its findings
};

Totals TotalsOf(const Cell& cell);

// Of how many receives the order was decided, and by which rules; "" where calls weren't logged.
std::string OrderText(const OrderResult& order);

// What the nemesis did over all slices; nothing where the cell ran without it.
NemesisTally TallyOf(const Cell& cell, const NemesisInfo* nemesis);
bool RanUnderNemeses(const Cell& cell);

// "PASS".
const char* Word(Outcome outcome);
// snprintf with one or two numbers.
std::string Format(const char* format, double a, double b = 0);
// "0.97"; "-" when it is not known.
std::string Ratio(double ratio);

}  // namespace ipcsuite::stress
