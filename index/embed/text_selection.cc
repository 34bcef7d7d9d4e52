#include "index/embed/text_selection.h"

#include <algorithm>

#include "index/embed/utf8.h"

namespace pointsman::embed {
namespace {

// How far from the cap a cut goes to find white space. Most words are shorter.
constexpr size_t kMaxStepToSpace = 32;

bool IsSpace(char byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }

// The longest prefix of at most `max_bytes` that ends well.
std::string_view Head(std::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  for (size_t end = max_bytes; end > 0 && max_bytes - end < kMaxStepToSpace; --end) {
    if (IsSpace(text[end])) return text.substr(0, end);
  }
  size_t end = max_bytes;
  while (end > 0 && max_bytes - end < 3 && IsUtf8Continuation(text[end])) --end;
  return text.substr(0, end);
}

// The longest suffix of at most `max_bytes` that begins well.
std::string_view Tail(std::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  const size_t cut = text.size() - max_bytes;
  for (size_t begin = cut; begin < text.size() && begin - cut < kMaxStepToSpace; ++begin) {
    if (IsSpace(text[begin - 1])) return text.substr(begin);
  }
  size_t begin = cut;
  while (begin < text.size() && begin - cut < 3 && IsUtf8Continuation(text[begin])) ++begin;
  return text.substr(begin);
}

void Add(std::string_view text, float weight, SelectedText* selected) {
  if (!text.empty() && weight > 0) selected->segments.push_back({text, weight});
}

// The whole of `text` in `head`, or its two ends if it has more than `max_bytes`.
struct Ends {
  std::string_view head;
  std::string_view tail;
};

Ends CutMiddle(std::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return {text, {}};
  return {Head(text, max_bytes / 2), Tail(text, max_bytes / 2)};
}

void AddEnds(const Ends& ends, float weight, SelectedText* selected) {
  const float each = ends.tail.empty() ? weight : weight / 2;
  Add(ends.head, each, selected);
  Add(ends.tail, each, selected);
}

}  // namespace

SelectedText SelectText(std::span<const Turn> turns, const TextSelectionOptions& options) {
  using Role = Turn::Role;
  const auto recent = turns.last(std::min(turns.size(), options.max_turns));

  SelectedText selected;
  const Turn* tool = nullptr;  // the last one after the question
  bool has_question = false;
  size_t earlier_turns = 0;
  float weight = 1;
  for (auto turn = recent.rbegin(); turn != recent.rend(); ++turn) {
    if (turn->role == Role::kTool && !has_question && tool == nullptr) tool = &*turn;
    if (turn->role != Role::kUser) continue;
    if (!has_question) {
      const Ends question = CutMiddle(turn->text, options.max_question_bytes);
      AddEnds(question, weight, &selected);
      selected.main = question.head;
      selected.main_tail = question.tail;
      selected.truncated = turn->text.size() > options.max_question_bytes;
      has_question = true;
    } else if (earlier_turns++ < options.max_earlier_turns) {
      weight *= options.earlier_turn_decay;
      Add(Head(turn->text, options.max_earlier_turn_bytes), weight, &selected);
      selected.truncated |= turn->text.size() > options.max_earlier_turn_bytes;
    } else {
      break;
    }
  }
  if (tool != nullptr) {
    AddEnds(CutMiddle(tool->text, options.max_tool_bytes), options.tool_weight, &selected);
  }
  if (!turns.empty() && turns.front().role == Role::kSystem) {
    Add(Head(turns.front().text, options.max_system_bytes), options.system_weight, &selected);
  }
  return selected;
}

}  // namespace pointsman::embed
