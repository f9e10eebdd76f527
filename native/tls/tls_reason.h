// Why a TLS connection or its credentials were refused, as Status::reason() says it. Each calls for another remedy.
#pragma once

#include <string_view>

namespace pageferry::tls_reason {

// Of a certificate: the other side's, or this side's where the other side refused it.
constexpr std::string_view kExpired = "certificate-expired";
constexpr std::string_view kNotYetValid = "certificate-not-yet-valid";
constexpr std::string_view kForeignCa = "foreign-ca";
constexpr std::string_view kWrongName = "wrong-name";
constexpr std::string_view kWrongPurpose = "wrong-purpose";
constexpr std::string_view kRevoked = "certificate-revoked";
constexpr std::string_view kNotAllowed = "peer-not-allowed";
constexpr std::string_view kNoCertificate = "no-certificate";
constexpr std::string_view kOtherFault = "certificate-refused";

// Of a pre-shared key.
constexpr std::string_view kUnknownIdentity = "unknown-identity";
constexpr std::string_view kWrongKey = "wrong-key";

// One side has certificates and the other a pre-shared key.
constexpr std::string_view kOtherCredentials = "other-credentials";

// Of this side's files.
constexpr std::string_view kFileUnreadable = "file-unreadable";
constexpr std::string_view kFileMalformed = "file-malformed";
constexpr std::string_view kFileTooOpen = "file-too-open";
constexpr std::string_view kKeyMismatch = "key-mismatch";
constexpr std::string_view kCrlOutdated = "crl-outdated";
constexpr std::string_view kCrlMissing = "crl-missing";

// Of what the other side speaks.
constexpr std::string_view kPlainClient = "plain-client";
constexpr std::string_view kPlainServer = "plain-server";
constexpr std::string_view kOldVersion = "tls-version";
constexpr std::string_view kOtherProtocol = "other-protocol";
constexpr std::string_view kDamaged = "record-damaged";
constexpr std::string_view kPeerTrouble = "peer-trouble";
constexpr std::string_view kNothingInCommon = "nothing-in-common";

}  // namespace pageferry::tls_reason
