#include "tests/server/security/certificates.h"

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "index/string_view.h"
#include "openssl/bio.h"
#include "openssl/pem.h"
#include "openssl/rsa.h"
#include "openssl/x509v3.h"

namespace pointsman::server {
namespace {

using BioPtr = std::unique_ptr<BIO, OpenSslDeleter<BIO_free>>;

std::string Contents(BIO* bio) {
  const char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<size_t>(size));
}

void AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  ASSERT_NE(extension, nullptr) << value;
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

}  // namespace

TestCertificate TestCertificate::Make(const CertificateWish& wish, const TestCertificate* issuer) {
  TestCertificate made;
  made.key_.reset(wish.rsa_bits == 0 ? EVP_EC_gen("P-256")
                                     : EVP_RSA_gen(static_cast<unsigned>(wish.rsa_bits)));
  made.certificate_.reset(X509_new());
  X509* certificate = made.certificate_.get();
  X509* issuing = issuer == nullptr ? certificate : issuer->certificate_.get();
  static std::atomic<int> next_serial{1000};
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), next_serial++);
  ASN1_TIME_set(X509_getm_notBefore(certificate), absl::ToTimeT(wish.not_before));
  ASN1_TIME_set(X509_getm_notAfter(certificate), absl::ToTimeT(wish.not_after));
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(wish.common_name.c_str()), -1,
                             -1, 0);
  X509_set_issuer_name(certificate, X509_get_subject_name(issuing));
  X509_set_pubkey(certificate, made.key_.get());
  if (wish.is_authority) {
    AddExtension(certificate, issuing, NID_basic_constraints, "critical,CA:TRUE");
    AddExtension(certificate, issuing, NID_key_usage, "critical,keyCertSign,cRLSign");
  } else {
    AddExtension(certificate, issuing, NID_basic_constraints, "critical,CA:FALSE");
  }
  if (!wish.alternative_names.empty() && !wish.is_authority) {
    AddExtension(certificate, issuing, NID_subject_alt_name,
                 absl::StrJoin(wish.alternative_names, ","));
  }
  if (!wish.extended_key_usage.empty()) {
    AddExtension(certificate, issuing, NID_ext_key_usage, wish.extended_key_usage);
  }
  X509_sign(certificate, issuer == nullptr ? made.key_.get() : issuer->key_.get(), EVP_sha256());
  return made;
}

TestCertificate TestCertificate::SelfSigned(const CertificateWish& wish) {
  return Make(wish, nullptr);
}

TestCertificate TestCertificate::Authority(const std::string& common_name) {
  return Make({.common_name = common_name, .is_authority = true}, nullptr);
}

TestCertificate TestCertificate::Issue(const CertificateWish& wish) const {
  return Make(wish, this);
}

std::string TestCertificate::pem() const {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), certificate_.get());
  return Contents(bio.get());
}

std::string TestCertificate::key_pem() const {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PrivateKey(bio.get(), key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
  return Contents(bio.get());
}

std::string TestCertificate::encrypted_key_pem() const {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  unsigned char passphrase[] = "secret";
  PEM_write_bio_PrivateKey(bio.get(), key_.get(), EVP_aes_256_cbc(), passphrase, 6, nullptr,
                           nullptr);
  return Contents(bio.get());
}

std::string MakeTestDirectory() {
  std::string path = absl::StrCat(testing::TempDir(), "security_test_XXXXXX");
  EXPECT_NE(mkdtemp(path.data()), nullptr) << path;
  return path;
}

void WriteTestFile(const std::string& path, std::string_view contents, unsigned mode) {
  const std::string aside = path + ".new";
  std::ofstream(aside, std::ios::binary) << contents;
  ASSERT_EQ(chmod(aside.c_str(), mode), 0);
  ASSERT_EQ(std::rename(aside.c_str(), path.c_str()), 0);
}

}  // namespace pointsman::server
