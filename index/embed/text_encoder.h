// A conversation -> its vector: selects text, tokenises, embeds, weighs the segments, normalises.
//
// The one way from text to vector, for exemplars at build time and for queries alike.
#ifndef POINTSMAN_INDEX_EMBED_TEXT_ENCODER_H_
#define POINTSMAN_INDEX_EMBED_TEXT_ENCODER_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "index/embed/static_embedder.h"
#include "index/embed/text_selection.h"

namespace pointsman::embed {

// One text at a time; reuse it to avoid allocation. Views point into the turns.
struct EncodedText {
  std::string_view question;         // the last user turn, or the head of a long one
  std::vector<uint32_t> tokens;      // of the question, head and tail
  std::vector<float> unit;           // uncentred unit vector of the whole; zero if empty
  std::vector<float> question_unit;  // the same of the question alone
  bool empty = false;                // no known token in any segment
  bool truncated = false;            // some of the user's own text was left out

  std::vector<float> segment;            // working memory
  std::vector<uint32_t> segment_tokens;  // working memory
};

// Encodes `turns`, at most `max_tokens` of each segment.
void EncodeText(const StaticEmbedder& embedder, std::span<const Turn> turns, size_t max_tokens,
                EncodedText* encoded);

// Enough for the byte limits of text selection: no token of theirs is cut.
inline constexpr size_t kMaxSegmentTokens = 2048;

}  // namespace pointsman::embed

#endif  // POINTSMAN_INDEX_EMBED_TEXT_ENCODER_H_
