// What confread keeps of root's rights. See privileges.hpp.
#include "daemon/confread/privileges.hpp"

#include <cap-ng.h>
#include <sys/prctl.h>
#include <unistd.h>

namespace reeve {

void drop_privileges() {
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (::geteuid() != 0 || ::capng_get_caps_process() != 0) return;
    // Only what is there may be asked for: one capability too many, and nothing at all is dropped.
    bool may_read = ::capng_have_capability(CAPNG_EFFECTIVE, CAP_DAC_READ_SEARCH) != 0;
    ::capng_clear(CAPNG_SELECT_ALL);
    if (may_read) {
        ::capng_updatev(CAPNG_ADD,
                        static_cast<capng_type_t>(CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET),
                        CAP_DAC_READ_SEARCH, -1);
    }
    // The bounding set first: changing it needs a capability that is then given up.
    ::capng_apply(CAPNG_SELECT_BOUNDS);
    ::capng_apply(CAPNG_SELECT_CAPS);
}

}  // namespace reeve
