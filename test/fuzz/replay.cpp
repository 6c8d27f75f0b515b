// Runs a fuzzer's corpus without libFuzzer, and then inputs that chance makes of it: the same each time, so
// that every build checks what the fuzzers have found.
//
//     replay_x FOLDER... [RUNS [SEED]]
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
// A fuzzer may have it: why the corpus, which has just been run, is of no use any more, or nullptr.
extern "C" __attribute__((weak)) const char* corpus_complaint();

namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes current;

// The input that did it, for the next time.
void on_crash(int signo) {
    int file = ::open("replay-crash", O_WRONLY | O_CREAT | O_TRUNC, 0644);
    ssize_t ignored = ::write(file, current.data(), current.size());
    static_cast<void>(ignored);
    ::signal(signo, SIG_DFL);
    ::raise(signo);
}

void run(Bytes bytes) {
    current = std::move(bytes);
    LLVMFuzzerTestOneInput(current.data(), current.size());
}

std::vector<Bytes> read_folder(const std::string& path) {
    std::vector<Bytes> all;
    DIR* folder = ::opendir(path.c_str());
    if (folder == nullptr) {
        std::fprintf(stderr, "no corpus %s\n", path.c_str());
        std::exit(2);
    }
    while (const dirent* entry = ::readdir(folder)) {
        if (entry->d_name[0] == '.') continue;
        std::ifstream file(path + "/" + entry->d_name, std::ios::binary);
        all.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
    ::closedir(folder);
    return all;
}

// Some bytes changed, doubled, dropped, or followed by another input's.
Bytes mutated(const std::vector<Bytes>& corpus, std::mt19937& chance) {
    auto below = [&chance](std::size_t limit) { return limit == 0 ? 0 : chance() % limit; };
    Bytes bytes = corpus.empty() ? Bytes{} : corpus[below(corpus.size())];
    while (!corpus.empty() && below(2) == 0) {  // what two of them do may matter together
        const Bytes& other = corpus[below(corpus.size())];
        auto from = other.begin() + static_cast<std::ptrdiff_t>(below(2) * below(other.size() + 1));
        bytes.insert(bytes.end(), from, other.end());
    }
    for (std::size_t changes = below(8); changes > 0; --changes) {
        std::size_t at = below(bytes.size() + 1);
        auto place = bytes.begin() + static_cast<std::ptrdiff_t>(at);
        switch (below(5)) {
            case 0: bytes.insert(place, static_cast<std::uint8_t>(chance())); break;
            case 1:
                if (at < bytes.size()) *place = static_cast<std::uint8_t>(chance());
                break;
            case 2:
                if (at < bytes.size()) *place ^= static_cast<std::uint8_t>(1U << below(8));
                break;
            case 3:
                if (at < bytes.size())
                    bytes.erase(place, place + static_cast<std::ptrdiff_t>(
                                                   1 + below(std::min<std::size_t>(bytes.size() - at, 8))));
                break;
            default:
                for (std::size_t more = below(64); more > 0; --more)
                    bytes.push_back(static_cast<std::uint8_t>(chance()));
                break;
        }
    }
    return bytes;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 2) return 2;
    ::signal(SIGABRT, on_crash);
    ::signal(SIGSEGV, on_crash);
    std::vector<Bytes> corpus = read_folder(argv[1]);
    unsigned long runs = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 0;
    // REEVE_LONG=1: a hundred times as many.
    const char* longer = std::getenv("REEVE_LONG");
    if (longer != nullptr && *longer != 0) runs *= 100;
    std::mt19937 chance(argc > 3 ? static_cast<std::uint32_t>(std::strtoul(argv[3], nullptr, 10)) : 1U);
    for (const Bytes& bytes : corpus) run(bytes);
    if (const char* complaint = corpus_complaint != nullptr ? corpus_complaint() : nullptr) {
        std::printf("%s\n0 passed, 1 failed, 0 skipped\n", complaint);
        return 1;
    }
    for (unsigned long i = 0; i < runs; ++i) {
        run(mutated(corpus, chance));
    }
    std::printf("%zu inputs of the corpus and %lu of chance\n1 passed, 0 failed, 0 skipped\n", corpus.size(),
                runs);
    return 0;
}
