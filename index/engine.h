// The front door of the engine: a bundle in, decisions out.
//
// An Engine is one verified bundle, immutable and self-contained: same bundle and same request give
// the same decision. No threads, clock, sockets, metrics or globals in it; the caller brings a
// clock if it wants stage timings. Decide is const and thread-safe, with one Scratch for each
// thread.
//
//   absl::StatusOr<std::unique_ptr<const Engine>> engine = Engine::Load("bundle/");
//   Engine::Scratch scratch;
//   v1::RouteResponse response;
//   absl::Status status = (*engine)->Decide(request, scratch, &response);
#ifndef POINTSMAN_INDEX_ENGINE_H_
#define POINTSMAN_INDEX_ENGINE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pointsman/bundle/v1/bundle.pb.h"
#include "pointsman/v1/catalogue.pb.h"
#include "pointsman/v1/policy.pb.h"
#include "pointsman/v1/router.pb.h"

namespace pointsman {

namespace bundle {
struct BundleParts;
class TrustedKeys;  // index/bundle/signature.h
}  // namespace bundle

// Bounds of one request and its response. Each keeps the work of a decision bounded, whatever is
// sent.
struct RequestBounds {
  size_t max_text_bytes = size_t{1} << 20;  // all texts of a request together: what is scanned
  int max_turns = 1000;                     // turns of a conversation
  int max_listed_models = 256;              // allow_models, deny_models: the catalogue's own bound
  int max_listed_tags = 64;                 // tags and features a request may name
  size_t max_key_bytes = 256;               // assignment_key, correlation_id
  int64_t max_tokens = 100'000'000;         // token hints: beyond any context window
  int max_evidence = 10;                    // exemplars shown by `explain`, nearest first; >= 0
  size_t max_evidence_text_bytes = 2048;    // of each, cut at the end of a character
};

class Engine {
 public:
  struct LoadOptions {
    RequestBounds bounds;
    // Run the golden queries and refuse a bundle whose decisions are not the recorded ones.
    bool replay_golden = true;
    // A bundle must carry a valid signature of one of these keys, which is checked before anything
    // but the manifest is looked at. Null or empty: none is demanded.
    std::shared_ptr<const bundle::TrustedKeys> trusted_keys;
    // The digest it must have, hex digits; checked before the large files are read. Empty: any.
    std::string expected_digest;
  };
  struct Internals;

  // Working memory of one decision at a time; grows to its working size and is then reused.
  class Scratch {
   public:
    Scratch();
    ~Scratch();
    Scratch(Scratch&&) noexcept;
    Scratch& operator=(Scratch&&) noexcept;

   private:
    friend class Engine;
    struct Buffers;
    std::unique_ptr<Buffers> buffers_;
  };

  // A monotonic clock in nanoseconds; null where nobody wants timings.
  using Clock = int64_t (*)();

  // Verifies everything in `directory` and makes it ready to decide. Errors name the file and the
  // check that failed: NOT_FOUND for a missing bundle, DATA_LOSS for a failed digest,
  // FAILED_PRECONDITION for another format version, another digest than the expected one (naming
  // both) or differing golden decisions, PERMISSION_DENIED where a signature is demanded and there
  // is no `signature.json`, it is malformed, no key in it is trusted, or it does not verify,
  // INVALID_ARGUMENT for contents out of range.
  static absl::StatusOr<std::unique_ptr<const Engine>> Load(const std::string& directory,
                                                            const LoadOptions& options);
  static absl::StatusOr<std::unique_ptr<const Engine>> Load(const std::string& directory);

  // Makes an engine of parts that were verified, or just built; golden queries are not replayed.
  // Errors name the file of the bundle that the part at fault belongs to.
  static absl::StatusOr<std::unique_ptr<const Engine>> Assemble(bundle::BundleParts parts,
                                                                const RequestBounds& bounds);

  ~Engine();

  // Decides. INVALID_ARGUMENT (with a google.rpc.BadRequest payload, see errors.h) names the field,
  // the bound and the value; nothing else is ever returned for what a request holds. `response`
  // must be empty; all but `decision_id` and `provenance.server_version` is filled in.
  absl::Status Decide(const v1::RouteRequest& request, Scratch& scratch,
                      v1::RouteResponse* response, Clock clock = nullptr) const;

  const bundle::v1::Manifest& manifest() const;
  const v1::Catalogue& catalogue() const;
  const v1::PolicySet& policies() const;
  const bundle::v1::GoldenSet& golden() const;
  // Name of the trusted key that signed the bundle. Empty: no signature was demanded.
  const std::string& signed_by() const;
  // Share of the exemplars that carry each capability, in catalogue order; those that carry none do
  // not count, so the shares add up to 1, or are all 0. One pass over the exemplars.
  std::vector<double> CapabilityShares() const;
  // Id of the model with the highest mean success over the exemplars.
  const std::string& best_single_model() const;

 private:
  explicit Engine(std::unique_ptr<const Internals> internals);
  std::unique_ptr<const Internals> internals_;
};

}  // namespace pointsman

#endif  // POINTSMAN_INDEX_ENGINE_H_
