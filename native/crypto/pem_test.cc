#include "crypto/pem.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <string>

namespace pageferry {
namespace {

OpensslPtr<EVP_PKEY> new_key() { return OpensslPtr<EVP_PKEY>(EVP_EC_gen("P-256")); }

// Of no use but to be read.
std::string certificate_pem(long serial) {
  const auto key = new_key();
  const OpensslPtr<X509> certificate(::X509_new());
  ::ASN1_INTEGER_set(::X509_get_serialNumber(certificate.get()), serial);
  ::X509_gmtime_adj(::X509_getm_notBefore(certificate.get()), 0);
  ::X509_gmtime_adj(::X509_getm_notAfter(certificate.get()), 60);
  ::X509_set_pubkey(certificate.get(), key.get());
  EXPECT_GT(::X509_sign(certificate.get(), key.get(), ::EVP_sha256()), 0);
  auto pem = to_pem(certificate.get());
  EXPECT_TRUE(pem.ok()) << pem.status().message();
  return pem.value();
}

std::string locked_key_pem() {
  const OpensslPtr<BIO> bio(::BIO_new(::BIO_s_mem()));
  char password[] = "secret";
  EXPECT_EQ(::PEM_write_bio_PrivateKey(bio.get(), new_key().get(), ::EVP_aes_128_cbc(), nullptr, 0,
                                       nullptr, password),
            1);
  char* text = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(length)};
}

TEST(Pem, AllCertificatesOfATextAreRead) {
  const auto read = read_certificates(certificate_pem(1) + "between them\n" + certificate_pem(2));
  ASSERT_TRUE(read.ok()) << read.status().message();
  ASSERT_EQ(read.value().size(), 2U);
  EXPECT_EQ(::ASN1_INTEGER_get(::X509_get_serialNumber(read.value()[1].get())), 2);
  EXPECT_EQ(::ERR_peek_error(), 0U) << "the end of the text was left for the next call";
}

TEST(Pem, TextThatIsDamagedBehindItsFirstCertificateIsRefused) {
  const std::string whole = certificate_pem(1);
  std::string changed = whole;
  changed.replace(changed.size() / 2, 1, "!");
  for (const std::string& damaged : {whole.substr(0, whole.size() / 2), changed}) {
    const Status status = read_certificates(whole + damaged).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(status.message().find("damaged PEM: "), 0U) << status.message();
  }
}

TEST(Pem, TextWithoutWhatIsAskedForIsRefused) {
  const std::string certificate = certificate_pem(1);
  const std::string key = to_pem(new_key().get()).value();
  for (const std::string& text : {std::string(), std::string("nothing"), key}) {
    const Status status = read_certificates(text).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(status.message(), "no certificate in PEM form");
  }
  EXPECT_EQ(read_revocation_lists(certificate).status().message(),
            "no certificate revocation list in PEM form");
  EXPECT_EQ(read_private_key(certificate).status().message(), "no private key in PEM form");
}

TEST(Pem, KeyIsReadAsItWasWritten) {
  const auto key = new_key();
  const auto read = read_private_key(to_pem(key.get()).value());
  ASSERT_TRUE(read.ok()) << read.status().message();
  EXPECT_EQ(::EVP_PKEY_eq(read.value().get(), key.get()), 1);
}

TEST(Pem, KeyWithAPasswordIsRefusedWithoutAskingForIt) {
  const Status status = read_private_key(locked_key_pem()).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("password"), std::string::npos) << status.message();
}

}  // namespace
}  // namespace pageferry
