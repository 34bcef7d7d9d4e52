#include "index/embed/text_encoder.h"

#include <algorithm>

#include "index/embed/vector_math.h"

namespace pointsman::embed {

void EncodeText(const StaticEmbedder& embedder, std::span<const Turn> turns, size_t max_tokens,
                EncodedText* encoded) {
  const SelectedText selected = SelectText(turns);
  encoded->question = selected.main;
  encoded->truncated = selected.truncated;
  encoded->tokens.clear();
  encoded->unit.assign(embedder.dimension(), 0);
  encoded->question_unit.assign(embedder.dimension(), 0);
  encoded->segment.resize(embedder.dimension());

  for (const SelectedText::Segment& segment : selected.segments) {
    const bool is_question = segment.text.data() == selected.main.data() ||
                             segment.text.data() == selected.main_tail.data();
    std::vector<uint32_t>& tokens = encoded->segment_tokens;
    tokens.clear();
    encoded->truncated |= embedder.tokenizer().Encode(segment.text, max_tokens, &tokens);
    if (is_question) {
      encoded->tokens.insert(encoded->tokens.end(), tokens.begin(), tokens.end());
    }
    if (embedder.Embed(tokens, encoded->segment) == StaticEmbedder::Outcome::kEmpty) continue;
    if (!Normalise(encoded->segment)) continue;
    AddScaled(segment.weight, encoded->segment, encoded->unit);
    if (is_question) AddScaled(segment.weight, encoded->segment, encoded->question_unit);
  }
  const bool question_has_direction = Normalise(encoded->question_unit);
  encoded->empty = !Normalise(encoded->unit);
  if (!question_has_direction) encoded->question_unit = encoded->unit;
}

}  // namespace pointsman::embed
