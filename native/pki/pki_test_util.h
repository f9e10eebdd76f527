// Asks OpenSSL what it thinks of what was made.
#pragma once

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "crypto/pem.h"
#include "pki/certificate.h"

namespace pageferry::pki {

constexpr std::int64_t kDay = 24 * 3600;
// 2026-01-01, so that nothing depends on the day of the test.
constexpr std::int64_t kNow = 1767225600;
constexpr Validity kTenYears{kNow - kDay, kNow + 3650 * kDay};
constexpr Validity kOneYear{kNow - kDay, kNow + 365 * kDay};

inline Credential authority(const std::string& name = "Test CA") {
  auto made = create_authority(name, kTenYears);
  EXPECT_TRUE(made.ok()) << made.status().message();
  return made.value();
}

inline Credential host(const Credential& by, const std::vector<std::string>& names = {"host-a"},
                       Validity validity = kOneYear) {
  auto made = issue_certificate(by, names, validity);
  EXPECT_TRUE(made.ok()) << made.status().message();
  return made.value();
}

inline OpensslPtr<X509> parsed(const Credential& credential) {
  auto read = read_certificates(credential.certificate);
  EXPECT_TRUE(read.ok()) << read.status().message();
  return std::move(read.value().front());
}

// As node:crypto says it.
inline std::string serial_of(const Credential& credential) {
  const OpensslPtr<X509> certificate = parsed(credential);
  const OpensslPtr<BIGNUM> number(
      ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate.get()), nullptr));
  char* text = BN_bn2hex(number.get());
  std::string serial(text);
  OPENSSL_free(text);
  return serial;
}

// X509_V_OK, or why a peer that trusts `trusted` refuses the certificate: in this role, at this time, with this list.
inline int refusal(const Credential& credential, const Credential& trusted,
                   int purpose = X509_PURPOSE_SSL_SERVER, std::int64_t at = kNow,
                   const std::string& list = "") {
  const OpensslPtr<X509> certificate = parsed(credential);
  const OpensslPtr<X509> root = parsed(trusted);
  const std::unique_ptr<X509_STORE, decltype(&X509_STORE_free)> store(X509_STORE_new(),
                                                                      X509_STORE_free);
  EXPECT_EQ(X509_STORE_add_cert(store.get(), root.get()), 1);
  if (!list.empty()) {
    const auto lists = read_revocation_lists(list);
    EXPECT_TRUE(lists.ok());
    EXPECT_EQ(X509_STORE_add_crl(store.get(), lists.value().front().get()), 1);
    X509_STORE_set_flags(store.get(), X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
  }
  const std::unique_ptr<X509_STORE_CTX, decltype(&X509_STORE_CTX_free)> context(
      X509_STORE_CTX_new(), X509_STORE_CTX_free);
  EXPECT_EQ(X509_STORE_CTX_init(context.get(), store.get(), certificate.get(), nullptr), 1);
  X509_STORE_CTX_set_time(context.get(), 0, at);
  X509_STORE_CTX_set_flags(context.get(), X509_V_FLAG_X509_STRICT);
  X509_STORE_CTX_set_purpose(context.get(), purpose);
  X509_verify_cert(context.get());
  return X509_STORE_CTX_get_error(context.get());
}

}  // namespace pageferry::pki
