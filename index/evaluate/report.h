// An evaluation as people and as programs read it.
#ifndef POINTSMAN_INDEX_EVALUATE_REPORT_H_
#define POINTSMAN_INDEX_EVALUATE_REPORT_H_

#include <string>

#include "index/evaluate/evaluate.h"

namespace pointsman::evaluate {

// Tables of means over splits, with their standard deviations; figures that cannot be had are left
// out. Ends with a newline.
std::string ReportText(const Evaluation& evaluation);

// {"splits": n, "train_queries": n, "pair": {"weak", "strong"} or null,
//  "figures": {name: {"mean", "sd"}}, "models": {id: {name: {"mean", "sd"}}},
//  "curve": [{"tradeoff", "accuracy", "cost_share"}],
//  "by_split": [{"seed", "fold", "train_queries", "figures": {name: value}}]}
// Names are those of FigureFields and ModelFigureFields; figures that cannot be had are null. Ends
// with a newline.
std::string ReportJson(const Evaluation& evaluation);

}  // namespace pointsman::evaluate

#endif  // POINTSMAN_INDEX_EVALUATE_REPORT_H_
