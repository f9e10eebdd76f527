// What the other side's alert means for whoever reads it here (RFC 8446, 6.2).
#pragma once

#include "os/status.h"

namespace pageferry {

enum class TlsRole { kClient, kServer };
enum class TlsProof { kCertificates, kPreSharedKey };

struct AlertContext {
  TlsRole this_side;
  TlsProof proof;
  bool established;  // the handshake was done, as far as this side is concerned
};

Status status_of_alert(int alert, const AlertContext& context);

}  // namespace pageferry
