// Shuts a part in, and proves that it is shut in. See enter.hpp.
//
// The order matters: chroot needs the last capability, so the drop comes after it; the proof needs calls that
// the filter forbids, so the filter comes last. libcap-ng's result codes alone are not trusted: a failed
// apply can keep everything, so the sets are read back from the kernel.
#include "common/sandbox/enter.hpp"

#include <cap-ng.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "common/base/privileges.hpp"
#include "common/sandbox/filter.hpp"
#include "reeve_config.hpp"

namespace reeve {
namespace {

constexpr bool kSandboxFilters = REEVE_SANDBOX;
constexpr int kExitNotShutIn = 70;
constexpr unsigned long kCapabilities = 64;  // the kernel answers EINVAL for those that it does not know

const char* program_of(SandboxPart part) {
    switch (part) {
        case SandboxPart::Engine: return "supervisor-engine";
        case SandboxPart::Rpc: return "supervisor-rpc";
        case SandboxPart::Log: return "supervisor-log";
    }
    return "?";
}

class Entrance {
  public:
    explicit Entrance(SandboxPart part) : part_(part) {}

    // True if the spawner gave an empty directory, that is if supervisord runs as root.
    bool change_root() {
        struct stat status {};
        if (::fstat(kPartRootFd, &status) != 0 || !S_ISDIR(status.st_mode)) return false;
        if (::fchdir(kPartRootFd) != 0) refuse("fchdir", errno);
        if (::chroot(".") != 0) refuse("chroot", errno);
        if (::chdir("/") != 0) refuse("chdir", errno);
        ::close(kPartRootFd);
        return true;
    }

    void drop_capabilities() {
        ::capng_clear(CAPNG_SELECT_ALL);
        if (::capng_apply(CAPNG_SELECT_CAPS) != 0) refuse("dropping the capabilities", errno);
        if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
            refuse("dropping the ambient capabilities", errno);
    }

    void forbid_new_privileges() {
        if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) refuse("no_new_privs", errno);
        if (kSandboxFilters && ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) refuse("PR_SET_DUMPABLE", errno);
    }

    void lower_limits() {
        for (const LimitMaximum& limit : kPartLimits) {
            // Sanitizers need memory without bound.
            if (!kSandboxFilters && limit.resource == RLIMIT_AS) continue;
            rlimit lowest{};
            if (::getrlimit(limit.resource, &lowest) != 0) refuse(limit.proc_name, errno);
            lowest.rlim_max = std::min<rlim_t>(lowest.rlim_max, limit.value);
            lowest.rlim_cur = lowest.rlim_max;
            if (::setrlimit(limit.resource, &lowest) != 0) refuse(limit.proc_name, errno);
        }
        // Those that write no files still shall be heard on a stderr that is one.
        struct stat status {};
        bool stderr_is_file = ::fstat(STDERR_FILENO, &status) == 0 && S_ISREG(status.st_mode);
        rlimit none{0, 0};
        if (part_ != SandboxPart::Log && !stderr_is_file && ::setrlimit(RLIMIT_FSIZE, &none) != 0)
            refuse("Max file size", errno);
        // As many descriptors as there may be: pipes and connections are many.
        rlimit files{};
        if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return;
        files.rlim_cur = files.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &files);
    }

    // Looks at what the kernel says, and tries to get something back.
    void prove(bool started_by_root) {
        __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
        __user_cap_data_struct data[2]{};
        if (::syscall(SYS_capget, &header, data) != 0) refuse("capget", errno);
        std::uint64_t left = 0;
        for (unsigned word = 0; word < 2; ++word) {
            left |= std::uint64_t{data[word].effective | data[word].permitted | data[word].inheritable}
                    << (32 * word);
        }
        if ((left & ~kPartCapabilities) != 0) refuse("capabilities are left", 0);
        for (unsigned long cap = 0; cap < kCapabilities; ++cap) {
            if (started_by_root && ::prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
                refuse("the bounding set is not empty", 0);
            if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) == 1)
                refuse("ambient capabilities are left", 0);
        }
        if (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) refuse("no_new_privs is off", 0);
        if (kSandboxFilters && ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0) refuse("memory can be dumped", 0);
        if (::chroot("/") == 0) refuse("chroot is still possible", 0);
        bool root = ::getuid() == 0 || ::geteuid() == 0 || ::getgid() == 0 || ::getegid() == 0;
        if (started_by_root && root) refuse("it still runs as root", 0);
        gid_t groups[2];
        int count = ::getgroups(2, groups);  // at most its own
        if (started_by_root && count != 0 && (count != 1 || groups[0] != ::getgid()))
            refuse("groups are left", 0);
        if (::getuid() != 0 && (::setuid(0) == 0 || ::seteuid(0) == 0)) refuse("root can be regained", 0);
    }

    void filter_calls() {
        if (!kSandboxFilters) return;
        if (int error = load_filter(part_)) refuse("loading the system-call filter", error);
        // Asking anything of prctl is answered EPERM by the filter, and by nothing else.
        if (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != -1)
            refuse("the system-call filter is not in force", 0);
    }

  private:
    [[noreturn]] void refuse(const char* what, int error) const {
        char line[256];
        int length =
            std::snprintf(line, sizeof line, "%s: cannot shut itself in: %s%s%s\n", program_of(part_), what,
                          error != 0 ? ": " : "", error != 0 ? std::strerror(error) : "");
        if (length > 0) {
            ssize_t ignored = ::write(2, line, static_cast<std::size_t>(length));
            static_cast<void>(ignored);
        }
        std::_Exit(kExitNotShutIn);
    }

    SandboxPart part_;
};

}  // namespace

void enter_sandbox(SandboxPart part) {
    Entrance entrance(part);
    bool started_by_root = entrance.change_root();
    entrance.drop_capabilities();
    entrance.forbid_new_privileges();
    entrance.lower_limits();
    entrance.prove(started_by_root);
    entrance.filter_calls();
}

}  // namespace reeve

// A part has no environment to read options from. It cannot look for leaks, which takes a thread that traces
// it. Where nobody hears its stderr, supervisord's log says with which status it has died: one of its own.
#if defined(__SANITIZE_ADDRESS__)
extern "C" const char* __asan_default_options() { return "detect_leaks=0:exitcode=66"; }
#elif defined(__SANITIZE_THREAD__)
extern "C" const char* __tsan_default_options() { return "halt_on_error=1:exitcode=66"; }
#endif
