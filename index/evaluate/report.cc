#include "index/evaluate/report.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "absl/strings/str_format.h"
#include "index/string_view.h"
#include "nlohmann/json.hpp"

namespace pointsman::evaluate {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kJsonIndent = 1;

// What is shown: means over splits, and how much they vary.
struct Means {
  double train_queries = 0;
  Summary<Figures> overall;
  std::vector<Summary<ModelFigures>> models;
  std::vector<CurvePoint> curve;
};

Means MeansOf(const Evaluation& evaluation) {
  Means means;
  const auto n = static_cast<double>(evaluation.splits.size());
  std::vector<Figures> overall;
  for (const SplitResult& split : evaluation.splits) {
    means.train_queries += static_cast<double>(split.train_queries) / n;
    overall.push_back(split.figures.overall);
    means.curve.resize(split.figures.curve.size());
    for (size_t i = 0; i < means.curve.size(); ++i) {
      const CurvePoint& point = split.figures.curve[i];
      means.curve[i].tradeoff = point.tradeoff;
      means.curve[i].quality += point.quality / n;
      means.curve[i].cost_usd += point.cost_usd / n;
    }
  }
  means.overall = Summarise(overall);
  for (size_t m = 0; m < evaluation.models.size(); ++m) {
    std::vector<ModelFigures> of_model;
    of_model.reserve(evaluation.splits.size());
    for (const SplitResult& split : evaluation.splits) {
      of_model.push_back(split.figures.models[m]);
    }
    means.models.push_back(Summarise(of_model));
  }
  return means;
}

// A number in few digits: whole ones as they are.
std::string Show(double value) {
  if (std::isnan(value)) return "-";
  if (value == std::round(value) && std::abs(value) >= 10) return absl::StrFormat("%.0f", value);
  if (value != 0 && std::abs(value) < 0.001) return absl::StrFormat("%.2e", value);
  return absl::StrFormat("%.4f", value);
}

// JSON has no NaN.
Json NumberOrNull(double value) { return std::isnan(value) ? Json(nullptr) : Json(value); }

template <typename Owner>
Json SummaryJson(const Summary<Owner>& summary, std::span<const Field<Owner>> fields) {
  Json json = Json::object();
  for (const Field<Owner>& field : fields) {
    json[std::string(field.name)] = {{"mean", NumberOrNull(summary.mean.*field.value)},
                                     {"sd", NumberOrNull(summary.deviation.*field.value)}};
  }
  return json;
}

void AppendModelTable(const Evaluation& evaluation, const Means& means, std::string* text) {
  size_t width = 5;
  for (const std::string& id : evaluation.models) width = std::max(width, id.size());
  absl::StrAppendFormat(text, "\n%-*s", static_cast<int>(width), "model");
  for (const Field<ModelFigures>& field : ModelFigureFields()) {
    absl::StrAppendFormat(text, "  %14s", ToAbsl(field.meaning));
  }
  *text += '\n';
  for (size_t m = 0; m < evaluation.models.size(); ++m) {
    absl::StrAppendFormat(text, "%-*s", static_cast<int>(width), evaluation.models[m]);
    for (const Field<ModelFigures>& field : ModelFigureFields()) {
      absl::StrAppendFormat(text, "  %14s", Show(means.models[m].mean.*field.value));
    }
    *text += '\n';
  }
}

}  // namespace

std::string ReportText(const Evaluation& evaluation) {
  const Means means = MeansOf(evaluation);
  std::string text =
      absl::StrFormat("%d split(s), %s queries trained on\n\n%-24s  %10s  %10s\n",
                      evaluation.splits.size(), Show(means.train_queries), "figure", "mean", "sd");
  for (const Field<Figures>& field : FigureFields()) {
    const double mean = means.overall.mean.*field.value;
    if (std::isnan(mean)) continue;
    absl::StrAppendFormat(&text, "%-24s  %10s  %10s  %s\n", ToAbsl(field.name), Show(mean),
                          Show(means.overall.deviation.*field.value), ToAbsl(field.meaning));
  }
  AppendModelTable(evaluation, means, &text);
  if (means.curve.empty()) return text;
  absl::StrAppendFormat(&text, "\n%-10s  %10s  %10s  of what always calling the best model costs\n",
                        "tradeoff", "accuracy", "cost share");
  for (const CurvePoint& point : means.curve) {
    absl::StrAppendFormat(&text, "%-10g  %10s  %10s\n", point.tradeoff, Show(point.quality),
                          Show(point.cost_usd));
  }
  return text;
}

std::string ReportJson(const Evaluation& evaluation) {
  const Means means = MeansOf(evaluation);
  Json json;
  json["splits"] = evaluation.splits.size();
  json["train_queries"] = means.train_queries;
  json["pair"] = nullptr;
  if (evaluation.pair.has_value()) {
    json["pair"] = {{"weak", evaluation.models[evaluation.pair->weak]},
                    {"strong", evaluation.models[evaluation.pair->strong]}};
  }
  json["figures"] = SummaryJson(means.overall, FigureFields());
  json["models"] = Json::object();
  for (size_t m = 0; m < evaluation.models.size(); ++m) {
    json["models"][evaluation.models[m]] = SummaryJson(means.models[m], ModelFigureFields());
  }
  json["curve"] = Json::array();
  for (const CurvePoint& point : means.curve) {
    json["curve"].push_back({{"tradeoff", point.tradeoff},
                             {"accuracy", NumberOrNull(point.quality)},
                             {"cost_share", NumberOrNull(point.cost_usd)}});
  }
  json["by_split"] = Json::array();
  for (const SplitResult& split : evaluation.splits) {
    Json figures = Json::object();
    for (const Field<Figures>& field : FigureFields()) {
      figures[std::string(field.name)] = NumberOrNull(split.figures.overall.*field.value);
    }
    json["by_split"].push_back({{"seed", split.seed},
                                {"fold", split.fold},
                                {"train_queries", split.train_queries},
                                {"figures", std::move(figures)}});
  }
  return json.dump(kJsonIndent) + "\n";
}

}  // namespace pointsman::evaluate
