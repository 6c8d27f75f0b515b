// The image check: a sound image opens; whatever single field of it is wrong, it is refused or every accessor
// stays inside. The image lies directly before a page that cannot be read, so that a step outside ends the
// test even without a sanitizer.
#include "common/base/image.hpp"

#include <doctest/doctest.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

using namespace reeve;

namespace {

// Bytes that end at the edge of readable memory; the start is 8-byte aligned as long as the size is.
class Guarded {
  public:
    explicit Guarded(std::size_t size) : size_(size) {
        pages_ = (size + kPage - 1) / kPage * kPage;
        void* memory = ::mmap(nullptr, pages_ + 2 * kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        REQUIRE(memory != MAP_FAILED);
        base_ = static_cast<std::byte*>(memory);
        REQUIRE(::mprotect(base_ + kPage, pages_, PROT_READ | PROT_WRITE) == 0);
    }
    Guarded(const Guarded&) = delete;
    Guarded& operator=(const Guarded&) = delete;
    ~Guarded() { ::munmap(base_, pages_ + 2 * kPage); }

    std::byte* data() { return base_ + kPage + pages_ - size_; }
    std::span<const std::byte> bytes() { return {data(), size_}; }
    void fill(const std::vector<std::byte>& from) { std::copy_n(from.begin(), size_, data()); }

  private:
    static constexpr std::size_t kPage = 4096;
    std::size_t size_;
    std::size_t pages_ = 0;
    std::byte* base_ = nullptr;
};

// Lays an image out: header, tables, records, pool.
class Builder {
  public:
    StrRef text(const std::string& value) {
        StrRef ref{static_cast<std::uint32_t>(pool_.size()), static_cast<std::uint32_t>(value.size())};
        pool_ += value + '\0';
        return ref;
    }
    static StrRef absent() { return {kAbsent, 0}; }

    template <typename Tables>
    std::vector<std::byte> image(ImageKind kind, Tables tables,
                                 const std::vector<std::vector<std::byte>*>& parts,
                                 const std::vector<Range Tables::*>& ranges) {
        std::size_t offset = sizeof(ImageHeader) + sizeof(Tables);
        for (std::size_t i = 0; i < parts.size(); ++i) {
            (tables.*ranges[i]).first = static_cast<std::uint32_t>(offset);
            offset += (parts[i]->size() + 7) / 8 * 8;
        }
        pool_.resize((pool_.size() + 7) / 8 * 8);
        ImageHeader header{{'R', 'E', 'E', 'V', 'E', 'I', 'M', 'G'},
                           kImageVersion,
                           kind,
                           static_cast<std::uint32_t>(offset + pool_.size()),
                           sizeof(ImageHeader),
                           {static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(pool_.size())}};
        std::vector<std::byte> out(header.size);
        std::memcpy(out.data(), &header, sizeof header);
        std::memcpy(out.data() + sizeof header, &tables, sizeof tables);
        for (std::size_t i = 0; i < parts.size(); ++i) {
            if (!parts[i]->empty())
                std::memcpy(out.data() + (tables.*ranges[i]).first, parts[i]->data(), parts[i]->size());
        }
        std::memcpy(out.data() + offset, pool_.data(), pool_.size());
        return out;
    }
    // Where the pool will begin, which strings need before the layout is made.
    void begin_pool(std::uint32_t offset) { pool_offset_ = offset; }
    StrRef at(StrRef ref) const { return {ref.offset + pool_offset_, ref.length}; }

  private:
    std::string pool_;
    std::uint32_t pool_offset_ = 0;
};

template <typename T>
std::vector<std::byte> records(const std::vector<T>& items) {
    std::vector<std::byte> out(items.size() * sizeof(T));
    if (!items.empty()) std::memcpy(out.data(), items.data(), out.size());
    return out;
}

// Two groups with three processes; one of everything else.
std::vector<std::byte> spawner_image() {
    Builder b;
    constexpr std::uint32_t kProcs = 3, kRefs = 4, kGids = 2;
    b.begin_pool(sizeof(ImageHeader) + sizeof(SpawnerTables) + 2 * sizeof(GroupRec) +
                 kProcs * sizeof(ProcRec) + sizeof(ListenerRec) + sizeof(FcgiRec) + sizeof(LineRec) +
                 kRefs * sizeof(StrRef) + kGids * sizeof(std::uint32_t) + sizeof(StrRef));
    auto text = [&](const char* value) { return b.at(b.text(value)); };
    SpawnerTables t{};
    LogRec file{LogKind::File, 0, text("/var/log/x.log"), 1000, 3, 0, 0, 0};
    LogRec none{LogKind::None, 0, Builder::absent(), 0, 0, 0, 0, 0};
    Identity nobody{65534, 65534, {0, kGids}};
    t.daemon = DaemonRec{};
    t.daemon.identifier = text("supervisor");
    t.daemon.config_file = text("/etc/supervisord.conf");
    t.daemon.directory = Builder::absent();
    t.daemon.childlogdir = text("/tmp");
    t.daemon.pidfile = text("/run/supervisord.pid");
    t.daemon.log = file;
    t.daemon.identity = nobody;
    for (Identity& part : t.daemon.parts) part = nobody;
    std::vector<GroupRec> groups = {{text("web"), {0, 2}}, {text("db"), {2, 1}}};
    std::vector<ProcRec> procs;
    for (std::uint32_t i = 0; i < kProcs; ++i) {
        ProcRec p{};
        p.name = text("p");
        p.group_name = text(i < 2 ? "web" : "db");
        p.group = i < 2 ? 0 : 1;
        p.argv = {0, 2};
        p.env = {2, 1};
        p.candidates = {3, 1};
        p.directory = Builder::absent();
        p.umask = kAbsent;
        p.fcgi = i == 2 ? 0 : kAbsent;
        p.kind = i == 2 ? ProgramKind::Fcgi : ProgramKind::Program;
        p.identity = nobody;
        p.out = file;
        p.err = none;
        procs.push_back(p);
    }
    ListenerRec listener{};
    listener.section = text("unix_http_server");
    listener.shown = listener.path = text("/run/s.sock");
    listener.address.family = AF_UNIX;
    FcgiRec fcgi{};
    fcgi.url = text("tcp://localhost:9000");
    fcgi.path = Builder::absent();
    fcgi.address.family = AF_INET;
    fcgi.address.length = 16;
    auto groups_part = records(groups), procs_part = records(procs);
    auto listeners_part = records(std::vector<ListenerRec>{listener});
    auto fcgi_part = records(std::vector<FcgiRec>{fcgi});
    auto lines_part = records(std::vector<LineRec>{{20, 0, text("Included extra file")}});
    auto refs_part =
        records(std::vector<StrRef>{text("/bin/cat"), text("-u"), text("A=1"), text("/bin/cat")});
    auto gids_part = records(std::vector<std::uint32_t>{65534, 100});
    auto names_part = records(std::vector<StrRef>{text("supervisor")});
    t.groups.count = 2;
    t.procs.count = kProcs;
    t.listeners.count = t.fcgi.count = t.lines.count = t.namespaces.count = 1;
    t.refs.count = kRefs;
    t.gids.count = kGids;
    return b.image<SpawnerTables>(
        ImageKind::Spawner, t,
        {&groups_part, &procs_part, &listeners_part, &fcgi_part, &lines_part, &refs_part, &gids_part,
         &names_part},
        {&SpawnerTables::groups, &SpawnerTables::procs, &SpawnerTables::listeners, &SpawnerTables::fcgi,
         &SpawnerTables::lines, &SpawnerTables::refs, &SpawnerTables::gids, &SpawnerTables::namespaces});
}

std::vector<std::byte> engine_image() {
    Builder b;
    b.begin_pool(sizeof(ImageHeader) + sizeof(EngineTables) + 2 * sizeof(GroupView) + 2 * sizeof(ProcView) +
                 sizeof(ServerView) + sizeof(StrRef) + sizeof(StrRef) + 8);
    auto text = [&](const char* value) { return b.at(b.text(value)); };
    EngineTables t{};
    LogView log{LogKind::File, 10, text("/var/log/x.log"), 1000, 0, 0};
    t.daemon = {text("supervisor"), text("4.4.0"), 20, 0, log};
    std::vector<GroupView> groups;
    std::vector<ProcView> procs;
    for (std::uint32_t i = 0; i < 2; ++i) {
        groups.push_back({text("g"), ProgramKind::Program, 999, {i, 1}, 0, 0, Builder::absent()});
        ProcView p{};
        p.name = text("p");
        p.group = i;
        p.command = text("/bin/cat -u");
        p.argv0 = text("/bin/cat");
        p.candidates = {0, 1};
        p.exitcodes = {0, 2};
        p.directory = p.serverurl = Builder::absent();
        p.out = p.err = log;
        procs.push_back(p);
    }
    auto groups_part = records(groups), procs_part = records(procs);
    auto servers_part =
        records(std::vector<ServerView>{{text("unix_http_server"), text("user"), text("123"), AF_UNIX, 0}});
    auto names_part = records(std::vector<StrRef>{text("supervisor")});
    auto refs_part = records(std::vector<StrRef>{text("/bin/cat")});
    auto numbers_part = records(std::vector<std::int32_t>{0, 2});
    t.groups.count = t.procs.count = t.numbers.count = 2;
    t.servers.count = t.namespaces.count = t.refs.count = 1;
    return b.image<EngineTables>(
        ImageKind::Engine, t,
        {&groups_part, &procs_part, &servers_part, &names_part, &refs_part, &numbers_part},
        {&EngineTables::groups, &EngineTables::procs, &EngineTables::servers, &EngineTables::namespaces,
         &EngineTables::refs, &EngineTables::numbers});
}

// Touches all that the users of an image touch; the sum keeps the compiler from dropping the reads.
std::size_t touch(const ImageBase& image, StrRef ref) {
    std::size_t sum = 0;
    for (char c : image.text(ref)) sum += static_cast<unsigned char>(c);
    if (const char* text = image.c_str(ref)) sum += std::strlen(text);
    return sum;
}

std::size_t touch_all(const SpawnerImage& image) {
    std::size_t sum = 0;
    auto identity = [&](const Identity& who) {
        for (std::uint32_t i = 0; i < who.groups.count; ++i) sum += image.gid(who.groups.first + i);
    };
    auto list = [&](Range range) {
        for (std::uint32_t i = 0; i < range.count; ++i) sum += touch(image, image.ref(range.first + i));
    };
    auto address = [&](const AddressRec& record) {
        for (std::uint32_t i = 0; i < record.length; ++i) sum += record.bytes[i];
    };
    const DaemonRec& d = image.daemon();
    for (StrRef ref : {d.identifier, d.config_file, d.directory, d.childlogdir, d.pidfile, d.log.path})
        sum += touch(image, ref);
    identity(d.identity);
    for (const Identity& part : d.parts) identity(part);
    for (std::uint32_t g = 0; g < image.group_count(); ++g) {
        const GroupRec& group = image.group(g);
        sum += touch(image, group.name);
        for (std::uint32_t j = 0; j < group.procs.count; ++j) {
            const ProcRec& p = image.proc(group.procs.first + j);
            CHECK(p.group < image.group_count());
            for (StrRef ref : {p.name, p.group_name, p.directory, p.out.path, p.err.path})
                sum += touch(image, ref);
            list(p.argv);
            list(p.env);
            list(p.candidates);
            identity(p.identity);
            if (p.fcgi != kAbsent) sum += touch(image, image.fcgi(p.fcgi).url);
        }
    }
    for (std::uint32_t i = 0; i < image.tables().listeners.count; ++i) {
        const ListenerRec& l = image.listener(i);
        for (StrRef ref : {l.section, l.shown, l.path}) sum += touch(image, ref);
        address(l.address);
    }
    for (std::uint32_t i = 0; i < image.tables().fcgi.count; ++i) {
        sum += touch(image, image.fcgi(i).path);
        address(image.fcgi(i).address);
    }
    for (std::uint32_t i = 0; i < image.tables().lines.count; ++i) sum += touch(image, image.line(i).text);
    for (std::uint32_t i = 0; i < image.tables().namespaces.count; ++i)
        sum += touch(image, image.rpc_namespace(i));
    return sum;
}

std::size_t touch_all(const EngineImage& image) {
    std::size_t sum = 0;
    const DaemonView& d = image.daemon();
    for (StrRef ref : {d.identifier, d.version, d.log.path}) sum += touch(image, ref);
    for (std::uint32_t g = 0; g < image.group_count(); ++g) {
        const GroupView& group = image.group(g);
        sum += touch(image, group.name) + touch(image, group.fcgi_url);
        for (std::uint32_t j = 0; j < group.procs.count; ++j) {
            const ProcView& p = image.proc(group.procs.first + j);
            CHECK(p.group < image.group_count());
            for (StrRef ref : {p.name, p.command, p.argv0, p.directory, p.serverurl, p.out.path, p.err.path})
                sum += touch(image, ref);
            for (std::uint32_t i = 0; i < p.candidates.count; ++i)
                sum += touch(image, image.ref(p.candidates.first + i));
            for (std::uint32_t i = 0; i < p.exitcodes.count; ++i)
                sum += static_cast<std::size_t>(image.number(p.exitcodes.first + i));
        }
    }
    for (std::uint32_t i = 0; i < image.server_count(); ++i) {
        const ServerView& s = image.server(i);
        for (StrRef ref : {s.section, s.username, s.password}) sum += touch(image, ref);
    }
    for (std::uint32_t i = 0; i < image.tables().namespaces.count; ++i)
        sum += touch(image, image.rpc_namespace(i));
    return sum;
}

template <typename Image>
void check_cuts(const std::vector<std::byte>& sound) {
    for (std::size_t size = 0; size < sound.size(); size += 8) {
        CAPTURE(size);
        std::vector<std::byte> cut(sound.begin(), sound.begin() + static_cast<std::ptrdiff_t>(size));
        Guarded memory(size);
        memory.fill(cut);
        CHECK(Image().open(memory.bytes()) != nullptr);
        if (size < sizeof(ImageHeader)) continue;
        auto whole = static_cast<std::uint32_t>(size);  // a liar: says that this is all there is
        std::memcpy(memory.data() + offsetof(ImageHeader, size), &whole, sizeof whole);
        CHECK(Image().open(memory.bytes()) != nullptr);
    }
}

// Every aligned 32-bit word gets values around every boundary that there is.
template <typename Image>
std::size_t check_words(const std::vector<std::byte>& sound) {
    Guarded memory(sound.size());
    auto size = static_cast<std::uint32_t>(sound.size());
    std::size_t accepted = 0;
    for (std::size_t at = 0; at + 4 <= sound.size(); at += 4) {
        std::uint32_t was = 0;
        std::memcpy(&was, sound.data() + at, sizeof was);
        for (std::uint32_t value :
             {0u,          1u,          2u,          3u,          4u,         5u,      7u,       8u,
              128u,        129u,        65535u,      65536u,      65537u,     was - 8, was - 4,  was - 1,
              was + 1,     was + 4,     was + 8,     size - 8,    size - 1,   size,    size + 1, size + 8,
              0x7FFFFFFFu, 0x80000000u, 0xFFFFFFF8u, 0xFFFFFFFEu, 0xFFFFFFFFu}) {
            memory.fill(sound);
            std::memcpy(memory.data() + at, &value, sizeof value);
            Image image;
            if (image.open(memory.bytes()) != nullptr) continue;
            ++accepted;
            touch_all(image);
        }
    }
    return accepted;
}

}  // namespace

TEST_CASE("a sound spawner's image opens, and says what was put in") {
    auto bytes = spawner_image();
    Guarded memory(bytes.size());
    memory.fill(bytes);
    SpawnerImage image;
    const char* wrong = image.open(memory.bytes());
    CAPTURE(wrong);
    REQUIRE(wrong == nullptr);
    CHECK(image.group_count() == 2);
    CHECK(image.proc_count() == 3);
    CHECK(image.text(image.group(1).name) == "db");
    CHECK(image.text(image.ref(image.proc(0).argv.first + 1)) == "-u");
    CHECK(image.c_str(image.proc(0).directory) == nullptr);
    CHECK(image.text(image.proc(0).directory).empty());
    CHECK(image.gid(image.proc(0).identity.groups.first + 1) == 100);
    CHECK(touch_all(image) > 0);
}

TEST_CASE("a sound engine's image opens, and says what was put in") {
    auto bytes = engine_image();
    Guarded memory(bytes.size());
    memory.fill(bytes);
    EngineImage image;
    const char* wrong = image.open(memory.bytes());
    CAPTURE(wrong);
    REQUIRE(wrong == nullptr);
    CHECK(image.text(image.proc(1).command) == "/bin/cat -u");
    CHECK(image.number(image.proc(1).exitcodes.first + 1) == 2);
    CHECK(image.text(image.server(0).password) == "123");
    CHECK(touch_all(image) > 0);
}

TEST_CASE("one kind of image is not taken for the other, nor another version for this one") {
    auto spawner = spawner_image(), engine = engine_image();
    CHECK(SpawnerImage().open(engine) == std::string_view("image of another kind"));
    CHECK(EngineImage().open(spawner) == std::string_view("image of another kind"));
    spawner[offsetof(ImageHeader, version)] = std::byte{99};
    CHECK(SpawnerImage().open(spawner) == std::string_view("image of another version"));
    engine[0] = std::byte{'X'};
    CHECK(EngineImage().open(engine) == std::string_view("no image"));
}

TEST_CASE("an image cut anywhere is refused, even if it says that it is whole") {
    check_cuts<SpawnerImage>(spawner_image());
    check_cuts<EngineImage>(engine_image());
}

TEST_CASE("whatever word of a spawner's image is wrong, it is refused or nothing reads outside") {
    CHECK(check_words<SpawnerImage>(spawner_image()) > 0);
}

TEST_CASE("whatever word of an engine's image is wrong, it is refused or nothing reads outside") {
    CHECK(check_words<EngineImage>(engine_image()) > 0);
}

TEST_CASE("strings end where they say, and hold no NUL") {
    auto bytes = spawner_image();
    ImageHeader header{};
    std::memcpy(&header, bytes.data(), sizeof header);
    for (std::size_t i = 0; i < header.pool.count; ++i) {
        CAPTURE(i);
        auto changed = bytes;
        std::byte& byte = changed[header.pool.first + i];
        bool was_end = byte == std::byte{0};
        byte = was_end ? std::byte{'x'} : std::byte{0};
        SpawnerImage image;
        // A NUL in a string, or none at its end, is refused; the padding after the last string is nobody's.
        if (image.open(changed) == nullptr) touch_all(image);
        if (!was_end) CHECK(image.open(changed) != nullptr);
    }
}
