// A program's user who attacks the place where its logs lie, while supervisord opens, rotates, clears and
// reads them as root.
//
//     log_racer DIRECTORY CANARIES LOGS SECONDS UID TRIES
//
// DIRECTORY belongs to UID; in it is the directory `logs` with 0.log .. LOGS-1.log. CANARIES is a directory
// of others with files of the same names. Three processes of UID put links, FIFOs, directories and leases in
// the place of logs and of their backups, and the whole of CANARIES in the place of `logs`. A fourth stays
// root, but only makes second names of canaries for the logs, as anybody can where fs.protected_hardlinks is
// 0. Prints the number of tries, and leaves an empty `logs` behind.
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

constexpr int kAttackers = 3;
constexpr double kLongest = 200;  // seconds

std::atomic<std::uint64_t>* tries = nullptr;  // shared by all processes

struct Field {
    int above;  // DIRECTORY
    int logs;   // the real directory of the logs, wherever it is just now
    std::string canaries;
    int count;
};

double now() {
    timespec time{};
    ::clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

void spin(int microseconds) {
    for (double end = now() + microseconds / 1e6; now() < end;) {
    }
}

[[noreturn]] void give_up(const char* what) {
    std::perror(what);
    ::_exit(2);
}

class Chance {
  public:
    explicit Chance(std::uint64_t seed) : state_(seed * 2654435761u + 1) {}
    int below(int limit) {
        state_ = state_ * 6364136223846793005u + 1442695040888963407u;
        return static_cast<int>((state_ >> 33) % static_cast<unsigned>(limit));
    }

  private:
    std::uint64_t state_;
};

std::string log_name(Chance& chance, int count) {
    constexpr const char* kEndings[] = {"", "", "", "", ".1", ".2"};
    return std::to_string(chance.below(count)) + ".log" + kEndings[chance.below(6)];
}

// Puts what was made as `made` in the place of `name`, in one step.
void replace(int directory, const std::string& made, const std::string& name) {
    if (::renameat(directory, made.c_str(), directory, name.c_str()) == 0) return;
    ::renameat2(directory, made.c_str(), directory, name.c_str(), RENAME_EXCHANGE);
    if (::unlinkat(directory, made.c_str(), 0) != 0) ::unlinkat(directory, made.c_str(), AT_REMOVEDIR);
}

void hold_lease(int directory, const std::string& name) {
    int fd = ::openat(directory, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return;
    if (::fcntl(fd, F_SETLEASE, F_WRLCK) == 0) spin(500);
    ::close(fd);
}

void attack_once(const Field& field, Chance& chance, const std::string& made) {
    std::string name = log_name(chance, field.count);
    std::string canary = field.canaries + "/" + name.substr(0, name.find(".log") + 4);
    switch (chance.below(10)) {
        case 0:
            if (::symlinkat(canary.c_str(), field.logs, made.c_str()) == 0) replace(field.logs, made, name);
            break;
        case 1:
            if (::symlinkat((field.canaries + "/made-" + name).c_str(), field.logs, made.c_str()) == 0)
                replace(field.logs, made, name);
            break;
        case 2:
            if (::mkfifoat(field.logs, made.c_str(), 0666) == 0) replace(field.logs, made, name);
            break;
        case 3:
            if (::mkdirat(field.logs, made.c_str(), 0777) == 0) replace(field.logs, made, name);
            break;
        case 4:
        case 5: {
            int fd = ::openat(field.logs, made.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
            if (fd >= 0) ::close(fd);
            replace(field.logs, made, name);
            break;
        }
        case 6:
            if (::unlinkat(field.logs, name.c_str(), 0) != 0)
                ::unlinkat(field.logs, name.c_str(), AT_REMOVEDIR);
            break;
        case 7: {
            std::string other = log_name(chance, field.count);
            ::renameat2(field.logs, name.c_str(), field.logs, other.c_str(), RENAME_EXCHANGE);
            break;
        }
        case 8: hold_lease(field.logs, name); break;
        default:
            // `bait` is a link to the canaries; now it is `logs`, and a moment later that is itself again.
            if (::renameat2(field.above, "bait", field.above, "logs", RENAME_EXCHANGE) == 0) {
                spin(chance.below(200));
                ::renameat2(field.above, "bait", field.above, "logs", RENAME_EXCHANGE);
            }
    }
}

void attack(const Field& field, int number) {
    ::signal(SIGIO, SIG_IGN);  // somebody wants what is leased
    Chance chance(static_cast<std::uint64_t>(number) + 1);
    std::string made = ".made-" + std::to_string(number);
    for (;;) {
        attack_once(field, chance, made);
        tries->fetch_add(1);
        spin(chance.below(50));
    }
}

void lend_names(const Field& field) {
    Chance chance(99);
    for (;;) {
        std::string name = std::to_string(chance.below(field.count)) + ".log";
        std::string canary = field.canaries + "/" + name;
        if (::linkat(AT_FDCWD, canary.c_str(), field.logs, ".lent", 0) == 0) {
            if (::renameat(field.logs, ".lent", field.logs, name.c_str()) == 0) {
                spin(chance.below(100));
                ::unlinkat(field.logs, name.c_str(), 0);
            } else {
                ::unlinkat(field.logs, ".lent", 0);
            }
        }
        tries->fetch_add(1);
        spin(chance.below(200));
    }
}

pid_t start(void (*body)(const Field&, int), const Field& field, int number, uid_t uid) {
    pid_t pid = ::fork();
    if (pid < 0) give_up("fork");
    if (pid > 0) return pid;
    if (uid != 0 && (::setgroups(0, nullptr) != 0 || ::setgid(uid) != 0 || ::setuid(uid) != 0))
        give_up("setuid");
    body(field, number);
    ::_exit(0);
}

// The attackers may have been stopped in the middle of a swap.
void clean_up(const Field& field, const std::string& directory) {
    struct stat status {};
    if (::fstatat(field.above, "logs", &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(status.st_mode))
        ::renameat2(field.above, "bait", field.above, "logs", RENAME_EXCHANGE);
    std::string command = "find '" + directory + "/logs' -mindepth 1 -delete";
    if (std::system(command.c_str()) != 0) give_up("find");
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 7) return 2;
    std::string directory = argv[1];
    Field field{::open(argv[1], O_PATH | O_DIRECTORY),
                ::open((directory + "/logs").c_str(), O_PATH | O_DIRECTORY), argv[2], std::atoi(argv[3])};
    void* shared = ::mmap(nullptr, sizeof *tries, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (field.above < 0 || field.logs < 0 || shared == MAP_FAILED) give_up(argv[1]);
    tries = new (shared) std::atomic<std::uint64_t>(0);
    if (::symlinkat(argv[2], field.above, "bait") != 0) give_up("bait");
    uid_t uid = static_cast<uid_t>(std::atoi(argv[5]));
    pid_t pids[kAttackers + 1];
    for (int i = 0; i < kAttackers; ++i) pids[i] = start(attack, field, i, uid);
    pids[kAttackers] = start([](const Field& all, int) { lend_names(all); }, field, 0, 0);
    // SECONDS, and longer if there were fewer TRIES by then.
    double begun = now();
    auto wanted = static_cast<std::uint64_t>(std::atoll(argv[6]));
    while (now() < begun + std::atoi(argv[4]) || (tries->load() < wanted && now() < begun + kLongest))
        ::usleep(50'000);
    for (pid_t pid : pids) ::kill(pid, SIGKILL);
    for (pid_t pid : pids) ::waitpid(pid, nullptr, 0);
    clean_up(field, directory);
    std::printf("%llu\n", static_cast<unsigned long long>(tries->load()));
    return 0;
}
