#include "client/cli/admin_text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace pointsman::cli {
namespace {

using client::OneLine;
using client::Paint;
using client::TextTable;
using std::chrono::seconds;
using std::chrono::system_clock;

constexpr size_t kMaxTextCharacters = 200;    // a version, a name
constexpr size_t kMaxErrorCharacters = 1000;  // the reason is what the operator came for
constexpr size_t kDigestCharacters = 12;      // in a table; in full elsewhere

std::string Safe(const std::string& text) { return OneLine(text, kMaxTextCharacters); }

std::string OrElse(const std::string& text, const char* otherwise) {
  return text.empty() ? otherwise : Safe(text);
}

seconds AgeOf(const google::protobuf::Timestamp& timestamp, system_clock::time_point now) {
  return std::chrono::duration_cast<seconds>(now.time_since_epoch()) - seconds(timestamp.seconds());
}

std::string StateText(v1::ServerState state, const Paint& paint) {
  switch (state) {
    case v1::SERVER_STATE_SERVING:
      return paint.Good("serving");
    case v1::SERVER_STATE_STARTING:
      return paint.Warning("starting");
    case v1::SERVER_STATE_DRAINING:
      return paint.Warning("draining");
    default:  // of a newer server
      return paint.Bad("in an unknown state");
  }
}

// Lines of name and value below a heading.
class Properties {
 public:
  void Add(const char* name, const std::string& value) {
    absl::StrAppendFormat(&text_, "  %-10s %s\n", name, value);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

void AddBundle(const v1::BundleStatus& bundle, std::optional<system_clock::time_point> now,
               Properties* properties) {
  properties->Add("digest", Safe(bundle.digest()));
  properties->Add("version", OrElse(bundle.version(), "not named"));
  if (now && bundle.has_activated_at()) {
    properties->Add("activated", AgeText(AgeOf(bundle.activated_at(), *now)) + " ago");
  }
  properties->Add("signed by", OrElse(bundle.signed_by(), "not asked for"));
  properties->Add("holds", absl::StrFormat("%d exemplars, embedder %s", bundle.exemplar_count(),
                                           Safe(bundle.embedder_id())));
  properties->Add("path", OneLine(bundle.path(), kMaxErrorCharacters));
}

std::string Attempts(const v1::GetStatusResponse& status, system_clock::time_point now,
                     const Paint& paint) {
  TextTable table({{"attempt"}, {"result"}, {"digest"}, {"source"}, {"why"}});
  for (const v1::ReloadAttempt& attempt : status.reloads()) {
    std::vector<std::string> cells = {
        AgeText(AgeOf(attempt.finished_at(), now)) + " ago",
        attempt.error().empty() ? "succeeded" : "failed",
        OneLine(attempt.digest().substr(0, kDigestCharacters), kDigestCharacters),
        Safe(attempt.source()), OneLine(attempt.error(), kMaxErrorCharacters)};
    if (attempt.error().empty()) {
      table.AddRow(std::move(cells));
    } else {
      table.AddMarkedRow(std::move(cells));
    }
  }
  return table.Render(paint);
}

std::string WouldChange(int64_t changed, int64_t compared) {
  return absl::StrFormat("%d of %d decisions would change", changed, compared);
}

std::string Changes(const v1::ActivateBundleResponse& response, const Paint& paint) {
  TextTable table({{"request"}, {"chosen now"}, {"then"}, {"why"}});
  for (const v1::DecisionChange& change : response.changes()) {
    table.AddRow({change.golden_id().empty() ? "sampled" : "golden " + Safe(change.golden_id()),
                  OrElse(change.model_before(), "none"), OrElse(change.model_after(), "none"),
                  OneLine(change.error_after(), kMaxErrorCharacters)});
  }
  return table.Render(paint);
}

}  // namespace

std::string AgeText(seconds age) {
  struct Unit {
    int64_t in_seconds;
    const char* name;
  };
  constexpr std::array kUnits = {Unit{86'400, "d"}, Unit{3600, "h"}, Unit{60, "min"}, Unit{1, "s"}};
  const int64_t count = std::max<int64_t>(age.count(), 0);
  for (size_t i = 0; i + 1 < kUnits.size(); ++i) {
    const Unit& large = kUnits[i];
    const Unit& small = kUnits[i + 1];
    if (count < large.in_seconds) continue;
    std::string text = absl::StrCat(count / large.in_seconds, " ", large.name);
    const int64_t rest = count % large.in_seconds / small.in_seconds;
    if (rest > 0) absl::StrAppend(&text, " ", rest, " ", small.name);
    return text;
  }
  return absl::StrCat(count, " s");
}

std::string AdminStatusText(const std::string& target, const v1::GetStatusResponse& status,
                            system_clock::time_point now, const Paint& paint) {
  Properties server;
  server.Add("server", OrElse(status.server_version(), "not named"));
  server.Add("uptime", AgeText(seconds(status.uptime().seconds())));
  server.Add("in flight", absl::StrCat(status.requests_in_flight(), " requests"));
  if (!status.loading().empty())
    server.Add("loading", OneLine(status.loading(), kMaxErrorCharacters));
  std::string text =
      absl::StrFormat("%s  %s\n%s", StateText(status.state(), paint), target, server.text());
  if (status.has_bundle()) {
    Properties bundle;
    AddBundle(status.bundle(), now, &bundle);
    absl::StrAppend(&text, "\n", paint.Bold("bundle in service"), "\n", bundle.text());
  } else {
    absl::StrAppend(&text, "\nno bundle in service\n");
  }
  if (status.has_previous_bundle()) {
    Properties bundle;
    AddBundle(status.previous_bundle(), now, &bundle);
    absl::StrAppend(&text, "\n", paint.Bold("previous bundle"), "\n", bundle.text());
  }
  if (!status.reloads().empty()) absl::StrAppend(&text, "\n", Attempts(status, now, paint));
  return text;
}

std::string ActivationText(const v1::ActivateBundleResponse& response, const Paint& paint) {
  Properties bundle;
  AddBundle(response.bundle(), std::nullopt, &bundle);
  if (response.activated()) return paint.Good("in service") + "\n" + bundle.text();
  bundle.Add("golden", WouldChange(response.golden_changed(), response.golden_compared()));
  bundle.Add("sampled", WouldChange(response.decisions_changed() - response.golden_changed(),
                                    response.decisions_compared() - response.golden_compared()));
  std::string text = paint.Good("verified") + ", not activated\n" + bundle.text();
  if (!response.changes().empty()) absl::StrAppend(&text, "\n", Changes(response, paint));
  const int64_t unshown = response.decisions_changed() - response.changes_size();
  if (unshown > 0) absl::StrAppendFormat(&text, "  and %d more\n", unshown);
  return text;
}

std::string RollbackText(const v1::RollbackResponse& response, const Paint& paint) {
  Properties bundle;
  AddBundle(response.bundle(), std::nullopt, &bundle);
  return paint.Good("back in service") + "\n" + bundle.text();
}

std::string DrainText(const std::string& target, const v1::DrainResponse& response,
                      const Paint& paint) {
  return absl::StrFormat("%s  %s\n  in flight  %d requests\n", paint.Warning("draining"), target,
                         response.requests_in_flight());
}

}  // namespace pointsman::cli
