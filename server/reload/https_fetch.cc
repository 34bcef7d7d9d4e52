#include "server/reload/https_fetch.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <openssl/evp.h>

#include <array>
#include <memory>
#include <mutex>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "index/string_view.h"
#include "server/reload/file_system.h"

namespace pointsman::server {
namespace {

constexpr int kPollMs = 100;
constexpr size_t kMaxEtagBytes = 1024;
constexpr int64_t kLeastBytesPerSecond = 1024;

void InitialiseOnce() {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

using UrlHandle = std::unique_ptr<CURLU, void (*)(CURLU*)>;

UrlHandle ParseUrl(const std::string& url) {
  UrlHandle handle(curl_url(), curl_url_cleanup);
  if (handle != nullptr && curl_url_set(handle.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) {
    handle.reset();
  }
  return handle;
}

std::string PartOf(const UrlHandle& url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url.get(), part, &text, 0) != CURLUE_OK) return "";
  const std::unique_ptr<char, void (*)(void*)> owned(text, curl_free);
  return text;
}

absl::StatusCode CodeOf(long status) {
  switch (status) {
    case 401:
    case 403:
    case 407:
      return absl::StatusCode::kPermissionDenied;
    case 404:
    case 410:
      return absl::StatusCode::kNotFound;
    default:
      return absl::StatusCode::kUnavailable;
  }
}

// What curl's callbacks fill in.
struct Transfer {
  const FetchRequest& request;
  int descriptor;
  CURL* easy = nullptr;
  FetchResult result = {};
  int64_t bytes = 0;
  bool too_large = false;
  bool known = false;  // the server sent in full what it could have called not modified
  absl::Status write_error = {};
  EVP_MD_CTX* digest = nullptr;
};

long StatusOf(CURL* easy) {
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

size_t OnHeader(char* data, size_t size, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const absl::string_view line(data, size * count);
  if (absl::StartsWith(line, "HTTP/")) transfer.result.etag.clear();  // of a redirect before
  constexpr absl::string_view kName = "etag:";
  if (absl::StartsWithIgnoreCase(line, kName)) {
    const absl::string_view etag = absl::StripAsciiWhitespace(line.substr(kName.size()));
    if (etag.size() <= kMaxEtagBytes) transfer.result.etag = std::string(etag);
  }
  return size * count;
}

// Fewer bytes than came end the transfer.
size_t OnBody(char* data, size_t size, size_t count, void* user) {
  auto& transfer = *static_cast<Transfer*>(user);
  const std::string_view bytes(data, size * count);
  if (StatusOf(transfer.easy) != 200) return bytes.size();  // the text of an error page
  const std::string& etag = transfer.result.etag;
  if (!etag.empty() && etag == transfer.request.etag) {
    transfer.known = true;
    return 0;
  }
  transfer.bytes += static_cast<int64_t>(bytes.size());
  if (transfer.bytes > transfer.request.max_bytes) {
    transfer.too_large = true;
    return 0;
  }
  EVP_DigestUpdate(transfer.digest, bytes.data(), bytes.size());
  transfer.write_error = WriteAll(transfer.descriptor, bytes, "the download");
  return transfer.write_error.ok() ? bytes.size() : 0;
}

std::string HexOf(EVP_MD_CTX* digest) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned length = 0;
  EVP_DigestFinal_ex(digest, bytes.data(), &length);
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(bytes.data()), length));
}

void SetOptions(const FetchRequest& request, Transfer* transfer, char* error, curl_slist* headers) {
  CURL* easy = transfer->easy;
  const auto set = [easy](CURLoption option, auto value) { curl_easy_setopt(easy, option, value); };
  const bool plain = absl::StartsWithIgnoreCase(request.url, "http:");
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, plain ? "http" : "https");
  set(CURLOPT_REDIR_PROTOCOLS_STR, "https");
  set(CURLOPT_FOLLOWLOCATION, 1L);
  set(CURLOPT_MAXREDIRS, 5L);
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!request.ca_file.empty()) {
    set(CURLOPT_CAINFO, request.ca_file.c_str());
    set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));  // that file alone
  }
  if (plain) set(CURLOPT_NOPROXY, "*");
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_USERAGENT, "pointsman-server");
  set(CURLOPT_ERRORBUFFER, error);
  set(CURLOPT_HTTPHEADER, headers);
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_timeout.count()));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(request.total_timeout.count()));
  set(CURLOPT_LOW_SPEED_LIMIT, static_cast<long>(kLeastBytesPerSecond));
  set(CURLOPT_LOW_SPEED_TIME,
      static_cast<long>(std::chrono::ceil<std::chrono::seconds>(request.stall_timeout).count()));
  set(CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(request.max_bytes));
  set(CURLOPT_HEADERFUNCTION, &OnHeader);
  set(CURLOPT_HEADERDATA, static_cast<void*>(transfer));
  set(CURLOPT_WRITEFUNCTION, &OnBody);
  set(CURLOPT_WRITEDATA, static_cast<void*>(transfer));
}

// Runs the transfer. CURLE_ABORTED_BY_CALLBACK: stopped.
CURLcode Perform(CURLM* multi, CURL* easy, const std::function<bool()>& stopped) {
  if (curl_multi_add_handle(multi, easy) != CURLM_OK) return CURLE_FAILED_INIT;
  CURLcode code = CURLE_ABORTED_BY_CALLBACK;
  int running = 1;
  while (running > 0 && !stopped()) {
    if (curl_multi_perform(multi, &running) != CURLM_OK) {
      code = CURLE_FAILED_INIT;
      break;
    }
    if (running > 0) curl_multi_poll(multi, nullptr, 0, kPollMs, nullptr);
  }
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
    if (message->msg == CURLMSG_DONE) code = message->data.result;
  }
  curl_multi_remove_handle(multi, easy);
  return code;
}

absl::Status StatusOfTransfer(const Transfer& transfer, CURLcode code, const char* error) {
  const std::string url = ShownUrl(transfer.request.url);
  if (transfer.too_large || code == CURLE_FILESIZE_EXCEEDED) {
    return absl::ResourceExhaustedError(
        absl::StrCat(url, ": the archive is larger than ", transfer.request.max_bytes, " bytes"));
  }
  if (!transfer.write_error.ok()) {
    return {transfer.write_error.code(), absl::StrCat(url, ": ", transfer.write_error.message())};
  }
  if (code == CURLE_ABORTED_BY_CALLBACK) {
    return absl::CancelledError(absl::StrCat(url, ": stopped while fetching"));
  }
  if (code != CURLE_OK) {
    return absl::UnavailableError(
        absl::StrCat(url, ": ", error[0] == '\0' ? curl_easy_strerror(code) : error));
  }
  const long status = StatusOf(transfer.easy);
  if (status == 200 || status == 304) return absl::OkStatus();
  return {CodeOf(status), absl::StrCat(url, ": the server answered with status ", status)};
}

}  // namespace

absl::Status CheckFetchUrl(const std::string& url, bool loopback_http) {
  const UrlHandle parsed = ParseUrl(url);
  const std::string scheme = parsed == nullptr ? "" : PartOf(parsed, CURLUPART_SCHEME);
  if (scheme == "https") return absl::OkStatus();
  if (scheme == "http" && loopback_http) {
    const std::string host = PartOf(parsed, CURLUPART_HOST);
    in_addr address{};
    const bool is_ipv4 = inet_pton(AF_INET, host.c_str(), &address) == 1;
    if (host == "[::1]" || (is_ipv4 && (ntohl(address.s_addr) >> 24) == 127)) {
      return absl::OkStatus();
    }
  }
  return absl::InvalidArgumentError(
      absl::StrCat(parsed == nullptr ? "the URL of the bundle" : ShownUrl(url),
                   ": must be an https URL, such as https://bundles.example/bundle.tar.zst"));
}

std::string ShownUrl(const std::string& url) {
  const UrlHandle parsed = ParseUrl(url);
  if (parsed == nullptr) return "(not a URL)";
  for (const CURLUPart part : {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_OPTIONS,
                               CURLUPART_QUERY, CURLUPART_FRAGMENT}) {
    curl_url_set(parsed.get(), part, nullptr, 0);
  }
  return PartOf(parsed, CURLUPART_URL);
}

absl::StatusOr<FetchResult> Fetch(const FetchRequest& request, int descriptor,
                                  const std::function<bool()>& stopped) {
  InitialiseOnce();
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> digest(EVP_MD_CTX_new(),
                                                                  EVP_MD_CTX_free);
  const std::unique_ptr<CURLM, CURLMcode (*)(CURLM*)> multi(curl_multi_init(), curl_multi_cleanup);
  const std::unique_ptr<CURL, void (*)(CURL*)> easy(curl_easy_init(), curl_easy_cleanup);
  if (digest == nullptr || multi == nullptr || easy == nullptr ||
      EVP_DigestInit_ex(digest.get(), EVP_sha256(), nullptr) != 1) {
    return absl::ResourceExhaustedError("not enough memory to fetch a bundle");
  }
  const std::unique_ptr<curl_slist, void (*)(curl_slist*)> headers(
      request.etag.empty()
          ? nullptr
          : curl_slist_append(nullptr, absl::StrCat("If-None-Match: ", request.etag).c_str()),
      curl_slist_free_all);
  char error[CURL_ERROR_SIZE] = "";
  Transfer transfer{.request = request, .descriptor = descriptor};
  transfer.easy = easy.get();
  transfer.digest = digest.get();
  SetOptions(request, &transfer, error, headers.get());
  const CURLcode code = Perform(multi.get(), easy.get(), stopped);
  if (!transfer.known) {
    const absl::Status status = StatusOfTransfer(transfer, code, error);
    if (!status.ok()) return status;
  }
  transfer.result.not_modified = transfer.known || StatusOf(easy.get()) == 304;
  transfer.result.sha256 = HexOf(digest.get());
  return transfer.result;
}

}  // namespace pointsman::server
