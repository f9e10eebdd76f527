#include "crypto/error_queue.h"

#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

namespace pageferry {
namespace {

TEST(ErrorQueue, TellsNothingOfCallsBeforeAndLeavesNothingToCallsAfter) {
  ERR_raise(ERR_LIB_USER, 42);
  {
    const ErrorQueue errors;
    EXPECT_EQ(::ERR_peek_error(), 0U);
    EXPECT_EQ(openssl_failure(StatusCode::kSystem, "what").message(), "what");
    ERR_raise(ERR_LIB_USER, 43);
  }
  EXPECT_EQ(::ERR_peek_error(), 0U);
}

TEST(ErrorQueue, TellsOfTheErrorThatCausedTheOthers) {
  const ErrorQueue errors;
  ERR_raise(ERR_LIB_SSL, SSL_R_BINDER_DOES_NOT_VERIFY);
  ERR_raise(ERR_LIB_SSL, SSL_R_BAD_EXTENSION);
  EXPECT_EQ(errors.tls_code(), SSL_R_BINDER_DOES_NOT_VERIFY);
  ::ERR_clear_error();
  ERR_raise(ERR_LIB_X509, ERR_R_MALLOC_FAILURE);
  ERR_raise(ERR_LIB_X509, ERR_R_X509_LIB);
  EXPECT_EQ(errors.tls_code(), 0) << "a number of another part of OpenSSL";
  const Status status = openssl_failure(StatusCode::kSystem, "what");
  EXPECT_EQ(status.code(), StatusCode::kNoMemory);
  EXPECT_EQ(status.message(), "what: malloc failure");
}

}  // namespace
}  // namespace pageferry
