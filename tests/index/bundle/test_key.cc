#include "tests/index/bundle/test_key.h"

#include <array>
#include <stdexcept>

#include "openssl/bio.h"
#include "openssl/ec.h"
#include "openssl/evp.h"
#include "openssl/pem.h"

namespace pointsman::bundle {
namespace {

std::string Take(BIO* bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  std::string text(bytes, static_cast<size_t>(size));
  BIO_free(bio);
  return text;
}

TestKey Format(EVP_PKEY* key) {
  if (key == nullptr) throw std::runtime_error("OpenSSL makes no key");
  BIO* secret = BIO_new(BIO_s_mem());
  PEM_write_bio_PKCS8PrivateKey(secret, key, nullptr, nullptr, 0, nullptr, nullptr);
  BIO* open = BIO_new(BIO_s_mem());
  PEM_write_bio_PUBKEY(open, key);
  EVP_PKEY_free(key);
  return {Take(secret), Take(open)};
}

}  // namespace

TestKey MakeTestKey(int number) {
  std::array<unsigned char, 32> seed{};
  seed[0] = static_cast<unsigned char>(number);
  return Format(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), seed.size()));
}

TestKey MakeEcKey() { return Format(EVP_EC_gen("P-256")); }

}  // namespace pointsman::bundle
