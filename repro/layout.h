// From the steps of all processes to the text of each: what is needed, whose turn it is, lines.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "harness/test/registry.h"

namespace ipcsuite::repro {

// What one actor does without a break.
struct Segment {
  int actor = 0;
  std::vector<std::string> parts = {};  // statements
  bool places = false;    // only makes or ends something: unused when nothing else names it
  bool issues = false;    // a call that gives the turn away before it begins
  bool gives_up = false;  // what others may still wait for, or ends
  bool returns = false;   // begins when a call does that was given the turn away for
  int starts = 0;         // this peer; 0: none
};

// Removes what makes variables that nothing else names ("fd1", "map2", ...).
void RemoveUnused(std::vector<Segment>& script);

// Removes what has nothing to do with the check that fails, script[failing]: steps that share with
// it no descriptor, object, name or process, not even through others.
void KeepWhatLeadsTo(std::size_t failing, std::vector<Segment>& script);

// What an actor does several times without a break becomes a loop.
void CountRepetitions(std::vector<Segment>& script);

struct Layout {
  std::map<int, std::vector<std::string>> lines;  // of each actor
  int last_turn = 0;                              // for which main() waits at the end; 0: none
};
// Lines with turn(n) where another actor comes before, and s->turn++ where another one follows.
// Calls that return one after the other may do so in any order: they share a turn.
Layout Arrange(const std::vector<Segment>& script, int peers);

// Whether a text names this variable.
bool Names(const std::string& text, const std::string& variable);
// A long line, broken between arguments or conditions.
std::string Wrapped(const std::string& line);
// The statements of a function, with the first and the last ones side by side where they fit.
std::string Block(std::vector<std::string> lines);
// The comment at the top: the test's name, its first clause and what that requires. `conforms`: it
// did where this was recorded.
std::string HeadInC(const TestEntry& test, bool conforms);
// Objects stand for themselves where no process shares them: "&s->sem1" is "&sem1".
std::string WithoutSharing(std::string text);

}  // namespace ipcsuite::repro
