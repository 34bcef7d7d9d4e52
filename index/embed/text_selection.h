#ifndef POINTSMAN_INDEX_EMBED_TEXT_SELECTION_H_
#define POINTSMAN_INDEX_EMBED_TEXT_SELECTION_H_

// Decides which text of a request is embedded, and with what weight: the last user turn (the
// question) above all, earlier user turns with falling weight, the head of the system prompt, and
// an excerpt of the latest tool output. The vector of a request is the weighted sum of the vectors
// of these segments.
//
// What is read and returned is bounded by TextSelectionOptions, however long the input; the text
// itself is not copied.

#include <cstddef>
#include <span>
#include <string_view>

#include "absl/container/inlined_vector.h"

namespace pointsman::embed {

struct Turn {
  enum class Role { kSystem, kUser, kAssistant, kTool };

  Role role;
  std::string_view text;  // UTF-8
};

struct TextSelectionOptions {
  // The question. About 1,000 tokens, some 20 microseconds of work; of the queries of MMLU,
  // MMLU-Pro and GSM8K 99.9 % are shorter than 3,200 bytes. Of a longer one, head and tail are
  // read, half of this each: people ask before or after what they paste, not in the middle.
  size_t max_question_bytes = 4096;

  // Earlier user turns tell what "and in French?" is about. Each counts `earlier_turn_decay` times
  // the one after it; a fourth would count a sixteenth, less than its noise.
  size_t max_earlier_turns = 3;
  float earlier_turn_decay = 0.5f;
  size_t max_earlier_turn_bytes = 1024;

  // System prompts say in their first sentences what the assistant is for, then go on with house
  // rules that are the same for all queries and would make them all alike.
  size_t max_system_bytes = 512;
  float system_weight = 0.1f;

  // The latest tool output after the question: its beginning tells what it is, its end how it
  // went. As much again of a log would say nothing more about the question.
  size_t max_tool_bytes = 512;
  float tool_weight = 0.1f;

  // How far back turns are looked at, so that a conversation of any length costs the same.
  size_t max_turns = 64;
};

struct SelectedText {
  struct Segment {
    std::string_view text;  // never empty
    float weight;           // above 0; not normalised
  };

  // The segments of the question come first. At most eight with the default options.
  absl::InlinedVector<Segment, 8> segments;

  // The question: the last user turn, or its head and tail if it was too long. Both are empty if
  // there is no user turn.
  std::string_view main;
  std::string_view main_tail;

  // Something of the user's own text was left out of a turn that is read. Excerpts of system
  // prompts and tool output are not counted: those are never read whole.
  bool truncated = false;
};

// The result points into the texts of `turns`, which are in the order of the conversation. Text is
// cut only between UTF-8 characters, and at white space if there is some near.
SelectedText SelectText(std::span<const Turn> turns, const TextSelectionOptions& options = {});

}  // namespace pointsman::embed

#endif  // POINTSMAN_INDEX_EMBED_TEXT_SELECTION_H_
