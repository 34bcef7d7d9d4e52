#include "server/security/pem.h"

#include <array>
#include <ctime>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "openssl/bio.h"
#include "openssl/bn.h"
#include "openssl/err.h"
#include "openssl/pem.h"

namespace pointsman::server {
namespace {

using BioPtr = std::unique_ptr<BIO, OpenSslDeleter<BIO_free>>;
using BignumPtr = std::unique_ptr<BIGNUM, OpenSslDeleter<BN_free>>;

// More than any chain or list of roots has: the system's own list is some 150.
constexpr size_t kMostCertificates = 1000;

BioPtr ReadFrom(std::string_view pem) {
  return BioPtr(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

// OpenSSL's default asks on the terminal, which a server must never do. Counts how often it was
// called, which tells an encrypted key from a broken one.
int NoPassphrase(char*, int, int, void* asked) {
  *static_cast<int*>(asked) += 1;
  return -1;
}

absl::Status Malformed(const std::string& file, const std::string& problem) {
  return absl::InvalidArgumentError(absl::StrCat(file, ": ", problem));
}

absl::Time ToTime(const ASN1_TIME* time) {
  std::tm fields{};
  if (ASN1_TIME_to_tm(time, &fields) != 1) return absl::InfinitePast();
  return absl::FromTM(fields, absl::UTCTimeZone());
}

}  // namespace

std::string TakeOpenSslError() {
  const unsigned long code = ERR_peek_last_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "unknown error" : reason;
}

absl::StatusOr<std::vector<X509Ptr>> ParseCertificates(std::string_view pem,
                                                       const std::string& file) {
  ERR_clear_error();
  // gRPC takes PEM as C strings, and would see only what stands before such a byte.
  if (pem.find('\0') != std::string_view::npos) {
    return Malformed(file, "holds a zero byte, so it is not PEM");
  }
  const BioPtr bio = ReadFrom(pem);
  std::vector<X509Ptr> certificates;
  while (true) {
    int asked = 0;
    X509Ptr certificate(PEM_read_bio_X509(bio.get(), nullptr, NoPassphrase, &asked));
    if (certificate != nullptr) {
      if (certificates.size() == kMostCertificates) {
        return Malformed(file,
                         absl::StrCat("holds more than ", kMostCertificates, " certificates"));
      }
      certificates.push_back(std::move(certificate));
      continue;
    }
    const unsigned long code = ERR_peek_last_error();
    const bool end =
        ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
    const std::string reason = TakeOpenSslError();
    if (end) break;
    return Malformed(file, absl::StrCat("certificate ", certificates.size() + 1,
                                        " of the file cannot be decoded: ", reason));
  }
  if (certificates.empty()) {
    return Malformed(
        file, "holds no certificate; a PEM file with -----BEGIN CERTIFICATE----- is expected");
  }
  return certificates;
}

absl::StatusOr<KeyPtr> ParsePrivateKey(std::string_view pem, const std::string& file) {
  ERR_clear_error();
  if (pem.find('\0') != std::string_view::npos) {
    return Malformed(file, "holds a zero byte, so it is not PEM");
  }
  const BioPtr bio = ReadFrom(pem);
  int asked = 0;
  KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassphrase, &asked));
  if (key != nullptr) return key;
  const std::string reason = TakeOpenSslError();
  if (asked > 0) {
    return Malformed(file, "the private key is encrypted; passphrases are not supported");
  }
  return Malformed(file, absl::StrCat("the private key cannot be decoded: ", reason));
}

absl::Time NotBefore(const X509* certificate) { return ToTime(X509_get0_notBefore(certificate)); }

absl::Time NotAfter(const X509* certificate) { return ToTime(X509_get0_notAfter(certificate)); }

std::string SubjectOf(const X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  const char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  if (size <= 0) return "(no subject)";
  return std::string(text, static_cast<size_t>(size));
}

std::string SerialOf(const X509* certificate) {
  const BignumPtr number(ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
  char* hex = number == nullptr ? nullptr : BN_bn2hex(number.get());
  std::string serial = hex == nullptr ? "" : hex;
  OPENSSL_free(hex);
  return serial;
}

std::string Sha256Of(const X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  X509_digest(certificate, EVP_sha256(), digest.data(), &size);
  return absl::BytesToHexString(
      absl::string_view(reinterpret_cast<const char*>(digest.data()), size));
}

}  // namespace pointsman::server
