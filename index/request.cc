#include "index/request.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "index/embed/utf8.h"
#include "index/errors.h"

namespace pointsman {
namespace {

using google::protobuf::RepeatedPtrField;

// Structure around each turn of a chat prompt: role markers and separators.
constexpr double kTokensPerTurn = 4;

absl::Status CheckUtf8(std::string_view field, std::string_view text) {
  if (const auto at = embed::FirstInvalidUtf8(text)) {
    return InvalidField(
        field,
        absl::StrCat("must be valid UTF-8; byte ", *at, " (0x",
                     absl::Hex(static_cast<uint8_t>(text[*at]), absl::kZeroPad2), ") is not"));
  }
  return absl::OkStatus();
}

// Counts as integers, so that a message shows all their digits.
template <typename Number>
absl::Status CheckRange(std::string_view field, Number value, std::type_identity_t<Number> lower,
                        std::type_identity_t<Number> upper) {
  if (value >= lower && value <= upper) return absl::OkStatus();
  return InvalidField(field, absl::StrCat("must be within ", lower, " to ", upper, "; is ", value));
}

absl::Status CheckCount(std::string_view field, size_t count, size_t limit, const char* unit) {
  if (count <= limit) return absl::OkStatus();
  return InvalidField(field, absl::StrCat("must be at most ", limit, " ", unit, "; is ", count));
}

absl::Status ResolveText(const v1::RouteRequest& request, const RequestContext& context,
                         ResolvedRequest* resolved) {
  const std::string& text = request.text();
  absl::Status status = CheckCount("text", text.size(), context.bounds.max_text_bytes, "bytes");
  if (status.ok()) status = CheckUtf8("text", text);
  resolved->turns.push_back({embed::Turn::Role::kUser, text});
  return status;
}

absl::StatusOr<embed::Turn::Role> ResolveRole(v1::Role role, const std::string& field) {
  switch (role) {
    case v1::ROLE_SYSTEM:
      return embed::Turn::Role::kSystem;
    case v1::ROLE_USER:
      return embed::Turn::Role::kUser;
    case v1::ROLE_ASSISTANT:
      return embed::Turn::Role::kAssistant;
    case v1::ROLE_TOOL:
      return embed::Turn::Role::kTool;
    default:
      return InvalidField(field, absl::StrCat("must be ROLE_SYSTEM, ROLE_USER, ROLE_ASSISTANT or "
                                              "ROLE_TOOL; is ",
                                              static_cast<int>(role)));
  }
}

absl::Status ResolveConversation(const v1::RouteRequest& request, const RequestContext& context,
                                 ResolvedRequest* resolved) {
  const auto& turns = request.conversation().turns();
  absl::Status status = CheckCount("conversation.turns", static_cast<size_t>(turns.size()),
                                   static_cast<size_t>(context.bounds.max_turns), "turns");
  if (!status.ok()) return status;
  size_t bytes = 0;
  bool has_user = false;
  for (int i = 0; i < turns.size(); ++i) {
    const std::string& content = turns[i].content();
    bytes += content.size();
    status = CheckCount("conversation", bytes, context.bounds.max_text_bytes, "bytes");
    if (!status.ok()) return status;
    if (embed::FirstInvalidUtf8(content)) {
      return CheckUtf8(absl::StrCat("conversation.turns[", i, "].content"), content);
    }
    // The field's name is formatted only for an error.
    absl::StatusOr<embed::Turn::Role> role = ResolveRole(turns[i].role(), "");
    if (!role.ok()) {
      return ResolveRole(turns[i].role(), absl::StrCat("conversation.turns[", i, "].role"))
          .status();
    }
    has_user |= *role == embed::Turn::Role::kUser;
    resolved->turns.push_back({*role, content});
  }
  if (!has_user) {
    return InvalidField("conversation.turns", "must hold at least one turn of ROLE_USER; has none");
  }
  return absl::OkStatus();
}

absl::Status ResolveEmbedding(const v1::RouteRequest& request, const RequestContext& context,
                              ResolvedRequest* resolved) {
  const v1::Embedding& embedding = request.embedding();
  if (embedding.embedder_id() != context.embedder_id) {
    return InvalidField("embedding.embedder_id",
                        absl::StrCat("must be the bundle's `", std::string(context.embedder_id),
                                     "`; is `", embedding.embedder_id(), "`"));
  }
  if (embedding.values_size() != context.dimension) {
    return InvalidField(
        "embedding.values",
        absl::StrCat("must hold ", context.dimension, " numbers; holds ", embedding.values_size()));
  }
  bool any = false;
  for (int i = 0; i < embedding.values_size(); ++i) {
    if (!std::isfinite(embedding.values(i))) {
      return InvalidField(absl::StrCat("embedding.values[", i, "]"),
                          absl::StrCat("must be finite; is ", embedding.values(i)));
    }
    any |= embedding.values(i) != 0;
  }
  if (!any) return InvalidField("embedding.values", "must not be all zero");
  resolved->vector = {embedding.values().data(), static_cast<size_t>(embedding.values_size())};
  return absl::OkStatus();
}

absl::Status ResolveLimits(const v1::RouteRequest& request, ResolvedRequest* resolved) {
  const v1::Limits& limits = request.limits();
  choose::Bounds& bounds = resolved->terms.limits;
  if (limits.has_max_cost_usd()) {
    bounds.max_cost_usd = limits.max_cost_usd();
    if (!std::isfinite(bounds.max_cost_usd) || bounds.max_cost_usd < 0) {
      return InvalidField("limits.max_cost_usd",
                          absl::StrCat("must be finite and >= 0; is ", bounds.max_cost_usd));
    }
  }
  if (limits.has_max_latency_ms()) {
    bounds.max_latency_ms = limits.max_latency_ms();
    if (!std::isfinite(bounds.max_latency_ms) || bounds.max_latency_ms <= 0) {
      return InvalidField("limits.max_latency_ms",
                          absl::StrCat("must be finite and > 0; is ", bounds.max_latency_ms));
    }
  }
  if (limits.has_min_success_probability()) {
    bounds.min_success_probability = limits.min_success_probability();
    return CheckRange("limits.min_success_probability", bounds.min_success_probability, 0, 1);
  }
  return absl::OkStatus();
}

absl::Status ResolveModels(std::string_view field, const RepeatedPtrField<std::string>& ids,
                           const RequestContext& context, choose::ModelSet* models) {
  absl::Status status = CheckCount(field, static_cast<size_t>(ids.size()),
                                   static_cast<size_t>(context.bounds.max_listed_models), "models");
  for (int i = 0; status.ok() && i < ids.size(); ++i) {
    const int model = context.catalogue.FindModel(ids[i]);
    if (model < 0) {
      return InvalidField(absl::StrCat(std::string(field), "[", i, "]"),
                          absl::StrCat("unknown model `", ids[i],
                                       "`; known: ", KnownNames(context.catalogue.model_ids())));
    }
    models->set(static_cast<size_t>(model));
  }
  return status;
}

absl::Status ResolveRequirements(const v1::RouteRequest& request, const RequestContext& context,
                                 ResolvedRequest* resolved) {
  const v1::Requirements& requirements = request.requirements();
  choose::Terms& terms = resolved->terms;
  const auto tag_limit = static_cast<size_t>(context.bounds.max_listed_tags);
  absl::Status status =
      CheckCount("requirements.features", static_cast<size_t>(requirements.features_size()),
                 tag_limit, "features");
  if (!status.ok()) return status;
  for (int i = 0; i < requirements.features_size(); ++i) {
    const int feature = context.catalogue.FindFeature(requirements.features(i));
    if (feature < 0) {
      return InvalidField(absl::StrCat("requirements.features[", i, "]"),
                          absl::StrCat("unknown feature `", requirements.features(i), "`; known: ",
                                       KnownNames(context.catalogue.feature_names())));
    }
    terms.features.set(static_cast<size_t>(feature));
  }
  if (requirements.has_context_tokens()) {
    terms.context_tokens = static_cast<double>(requirements.context_tokens());
    status = CheckRange("requirements.context_tokens", requirements.context_tokens(), 0,
                        context.bounds.max_tokens);
    if (!status.ok()) return status;
  }
  status = CheckCount("requirements.tags", static_cast<size_t>(requirements.tags_size()), tag_limit,
                      "tags");
  if (!status.ok()) return status;
  for (const std::string& tag : requirements.tags()) terms.tags.push_back(tag);
  if (requirements.allow_models_size() > 0) terms.allowed.reset();
  status = ResolveModels("requirements.allow_models", requirements.allow_models(), context,
                         &terms.allowed);
  if (!status.ok()) return status;
  return ResolveModels("requirements.deny_models", requirements.deny_models(), context,
                       &terms.denied);
}

absl::Status ResolveTokens(const v1::RouteRequest& request, const RequestContext& context,
                           ResolvedRequest* resolved) {
  choose::Terms& terms = resolved->terms;
  const int64_t max_tokens = context.bounds.max_tokens;
  if (request.has_input_tokens()) {
    terms.input_tokens = static_cast<double>(request.input_tokens());
    absl::Status status = CheckRange("input_tokens", request.input_tokens(), 0, max_tokens);
    if (!status.ok()) return status;
  } else {
    for (const embed::Turn& turn : resolved->turns) {
      terms.input_tokens += EstimateTokens(turn.text) + kTokensPerTurn;
    }
    terms.input_tokens = std::round(terms.input_tokens);
  }
  if (request.has_expected_output_tokens()) {
    terms.expected_output_tokens = static_cast<double>(request.expected_output_tokens());
    absl::Status status =
        CheckRange("expected_output_tokens", request.expected_output_tokens(), 0, max_tokens);
    if (!status.ok()) return status;
  }
  if (!request.has_incumbent()) return absl::OkStatus();
  terms.incumbent = context.catalogue.FindModel(request.incumbent().model());
  if (terms.incumbent < 0) {
    return InvalidField("incumbent.model",
                        absl::StrCat("unknown model `", request.incumbent().model(),
                                     "`; known: ", KnownNames(context.catalogue.model_ids())));
  }
  terms.cached_input_tokens = static_cast<double>(request.incumbent().cached_input_tokens());
  return CheckRange("incumbent.cached_input_tokens", request.incumbent().cached_input_tokens(), 0,
                    request.has_input_tokens() ? request.input_tokens() : max_tokens);
}

}  // namespace

double EstimateTokens(std::string_view text) {
  size_t ascii = 0;
  size_t others = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    ascii += byte < 0x80;
    others += byte >= 0xC0;  // first byte of a character outside ASCII
  }
  return static_cast<double>(ascii) / 4 + static_cast<double>(others) * 0.6;
}

absl::Status ResolveRequest(const v1::RouteRequest& request, const RequestContext& context,
                            ResolvedRequest* resolved) {
  choose::Terms& terms = resolved->terms;
  absl::Status status;
  switch (request.input_case()) {
    case v1::RouteRequest::kText:
      status = ResolveText(request, context, resolved);
      break;
    case v1::RouteRequest::kConversation:
      status = ResolveConversation(request, context, resolved);
      break;
    case v1::RouteRequest::kEmbedding:
      status = ResolveEmbedding(request, context, resolved);
      break;
    case v1::RouteRequest::INPUT_NOT_SET:
      return InvalidField("input",
                          "one of text, conversation and embedding is required; none is "
                          "set");
  }
  if (!status.ok()) return status;

  terms.policy = context.policies.default_policy();
  if (!request.policy().empty()) {
    terms.policy = context.policies.Find(request.policy());
    if (terms.policy < 0) {
      return InvalidField("policy", absl::StrCat("unknown policy `", request.policy(), "`; known: ",
                                                 KnownNames(context.policies.names())));
    }
  }
  if (!v1::Objective_IsValid(request.objective())) {
    return InvalidField("objective",
                        absl::StrCat("unknown value ", static_cast<int>(request.objective())));
  }
  terms.objective = request.objective();
  if (request.has_tradeoff()) {
    terms.tradeoff = request.tradeoff();
    status = CheckRange("tradeoff", request.tradeoff(), 0, 1);
    if (!status.ok()) return status;
  }
  status = ResolveLimits(request, resolved);
  if (status.ok()) status = ResolveRequirements(request, context, resolved);
  if (status.ok()) status = ResolveTokens(request, context, resolved);
  if (status.ok()) {
    status = CheckCount("assignment_key", request.assignment_key().size(),
                        context.bounds.max_key_bytes, "bytes");
  }
  if (status.ok()) {
    status = CheckCount("correlation_id", request.correlation_id().size(),
                        context.bounds.max_key_bytes, "bytes");
  }
  if (status.ok()) {
    status = CheckRange("max_candidates", request.max_candidates(), 0, choose::kMaxModels);
  }
  terms.assignment_key = request.assignment_key();
  return status;
}

}  // namespace pointsman
