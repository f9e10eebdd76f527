#include "tls/tls_credentials.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <string>

#include "tls/tls_credentials_store.h"
#include "tls/tls_test_util.h"

namespace pageferry {
namespace {

using testing::Hosts;
using testing::pem_of;
using testing::TestCa;
using testing::TestFolder;
using testing::write_files;

const std::string kKey = "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF";

Status failure_of(const TlsFiles& files) {
  const auto loaded = TlsCredentials::load(files);
  EXPECT_EQ(::ERR_peek_error(), 0u) << "an error was left for the next call";
  return loaded.status();
}

TEST(TlsCredentials, GoodFilesAreTaken) {
  Hosts hosts;
  EXPECT_TRUE(failure_of(hosts.source).ok());
  const auto list = hosts.ca.revocation_list({});
  hosts.source.crl = hosts.folder.write("crl.pem", list);
  EXPECT_TRUE(failure_of(hosts.source).ok()) << failure_of(hosts.source).message();
}

TEST(TlsCredentials, AFileThatIsNotThereIsNamed) {
  const Hosts hosts;
  for (std::string CertificateFiles::*file :
       {&CertificateFiles::certificate, &CertificateFiles::key, &CertificateFiles::ca}) {
    CertificateFiles files = hosts.source;
    files.*file = hosts.folder.path("nowhere.pem");
    const Status status = failure_of(files);
    EXPECT_EQ(status.reason(), tls_reason::kFileUnreadable);
    EXPECT_EQ(status.system_error(), ENOENT);
    EXPECT_NE(status.message().find("nowhere.pem"), std::string::npos) << status.message();
  }
}

TEST(TlsCredentials, AFileThatHoldsSomethingElseIsMalformed) {
  const Hosts hosts;
  const std::string other = hosts.folder.write("other.pem", "this is no PEM\n");
  for (std::string CertificateFiles::*file :
       {&CertificateFiles::certificate, &CertificateFiles::key, &CertificateFiles::ca}) {
    CertificateFiles files = hosts.source;
    files.*file = other;
    const Status status = failure_of(files);
    EXPECT_EQ(status.reason(), tls_reason::kFileMalformed);
    EXPECT_NE(status.message().find("other.pem"), std::string::npos) << status.message();
  }
  CertificateFiles files = hosts.source;
  files.crl = other;
  EXPECT_EQ(failure_of(files).reason(), tls_reason::kFileMalformed);
  files = hosts.source;
  files.ca = hosts.folder.path(".");
  EXPECT_EQ(failure_of(files).reason(), tls_reason::kFileMalformed);
}

TEST(TlsCredentials, ACertificateThatIsCutInTheMiddleIsMalformed) {
  Hosts hosts;
  const std::string whole = pem_of(hosts.ca.certificate());
  CertificateFiles files = hosts.source;
  files.ca = hosts.folder.write("cut.pem", whole + whole.substr(0, whole.size() / 2));
  EXPECT_EQ(failure_of(files).reason(), tls_reason::kFileMalformed);
}

TEST(TlsCredentials, AKeyOfAnotherCertificateIsAMismatch) {
  const Hosts hosts;
  CertificateFiles files = hosts.source;
  files.key = hosts.destination.key;
  const Status status = failure_of(files);
  EXPECT_EQ(status.reason(), tls_reason::kKeyMismatch) << status.message();
}

TEST(TlsCredentials, AKeyWithAPasswordIsRefusedWithoutAskingForIt) {
  const Hosts hosts;
  const auto key = testing::new_key();
  CertificateFiles files = hosts.source;
  files.key = hosts.folder.path("locked.pem");
  const OpensslPtr<BIO> file(::BIO_new_file(files.key.c_str(), "w"));
  char password[] = "secret";
  ASSERT_EQ(::PEM_write_bio_PrivateKey(file.get(), key.get(), ::EVP_aes_128_cbc(), nullptr, 0,
                                       nullptr, password),
            1);
  ASSERT_EQ(BIO_flush(file.get()), 1);
  const Status status = failure_of(files);
  EXPECT_EQ(status.reason(), tls_reason::kFileMalformed);
  EXPECT_NE(status.message().find("password"), std::string::npos) << status.message();
}

TEST(TlsCredentials, OnesOwnCertificateHasToBeValidNow) {
  Hosts hosts;
  const auto past = hosts.ca.issue({.from = -100, .until = -10});
  const auto future = hosts.ca.issue({.from = 1000, .until = 2000});
  X509* ca = hosts.ca.certificate();
  EXPECT_EQ(failure_of(write_files(hosts.folder, "past", past, ca)).reason(), tls_reason::kExpired);
  EXPECT_EQ(failure_of(write_files(hosts.folder, "future", future, ca)).reason(),
            tls_reason::kNotYetValid);
}

TEST(TlsCredentials, ARevocationListThatIsOutOfDateIsRefused) {
  Hosts hosts;
  hosts.source.crl = hosts.folder.write("crl.pem", hosts.ca.revocation_list({}, -10));
  EXPECT_EQ(failure_of(hosts.source).reason(), tls_reason::kCrlOutdated);
}

TEST(PreSharedKey, IsOneLineOfIdentityAndKey) {
  const TestFolder folder;
  const std::string path = folder.path("psk");
  EXPECT_TRUE(failure_of(PreSharedKeyFile{folder.write("psk", "lab:" + kKey + "\n")}).ok());
  EXPECT_TRUE(failure_of(PreSharedKeyFile{folder.write("psk", "lab:" + kKey + kKey)}).ok());
  const std::string wrong[] = {"",
                               "\n",
                               kKey,
                               ":" + kKey,
                               "a b:" + kKey,
                               std::string(128, 'i') + ":" + kKey,
                               "lab:" + kKey.substr(2),
                               "lab:" + kKey.substr(1),
                               "lab:" + kKey + kKey + "00",
                               "lab:" + kKey.substr(1) + "g",
                               "lab:" + kKey + "\n\n",
                               "lab:" + kKey + "\nlab:" + kKey + "\n"};
  for (const std::string& text : wrong) {
    const Status status = failure_of(PreSharedKeyFile{folder.write("psk", text)});
    EXPECT_EQ(status.reason(), tls_reason::kFileMalformed) << text;
    EXPECT_EQ(status.message().find(kKey.substr(2, 20)), std::string::npos)
        << "the key is in the message";
  }
}

TEST(PreSharedKey, IsRefusedWhenOthersMayReadIt) {
  const TestFolder folder;
  for (const mode_t mode : {0640, 0604, 0644, 0660}) {
    const Status status =
        failure_of(PreSharedKeyFile{folder.write("psk", "lab:" + kKey + "\n", mode)});
    EXPECT_EQ(status.reason(), tls_reason::kFileTooOpen) << mode;
  }
  EXPECT_TRUE(failure_of(PreSharedKeyFile{folder.write("psk", "lab:" + kKey + "\n", 0400)}).ok());
}

TEST(TlsCredentialsStore, TakesNewFilesAndKeepsTheOldCredentialsWhenTheyAreNotGood) {
  Hosts hosts;
  auto opened = TlsCredentialsStore::open(hosts.source);
  ASSERT_TRUE(opened.ok()) << opened.status().message();
  TlsCredentialsStore& store = *opened.value();
  const auto first = store.current();

  hosts.folder.write("source.pem", "half a certifica");
  EXPECT_EQ(store.reload().reason(), tls_reason::kFileMalformed);
  EXPECT_EQ(store.current(), first);

  // The certificate was replaced, its key not yet.
  const auto renewed = hosts.ca.issue({});
  hosts.folder.write("source.pem", pem_of(renewed.certificate.get()));
  EXPECT_EQ(store.reload().reason(), tls_reason::kKeyMismatch);
  EXPECT_EQ(store.current(), first);

  hosts.folder.write("source-key.pem", pem_of(renewed.key.get()));
  EXPECT_TRUE(store.reload().ok());
  EXPECT_NE(store.current(), first);
}

TEST(TlsCredentialsStore, DoesNotOpenWithFilesThatAreNotGood) {
  const TestFolder folder;
  const auto opened = TlsCredentialsStore::open(PreSharedKeyFile{folder.path("nowhere")});
  EXPECT_EQ(opened.status().reason(), tls_reason::kFileUnreadable);
}

}  // namespace
}  // namespace pageferry
