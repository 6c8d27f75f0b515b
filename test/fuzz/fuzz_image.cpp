// The check of an image: whatever passes it can be read to the last record without a step outside.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include "common/base/image.hpp"

using namespace reeve;

namespace {

std::size_t seen = 0;  // so that no read is left out as useless
std::size_t sound_spawner = 0, sound_engine = 0;

void read(const ImageBase& image, StrRef ref) {
    for (char c : image.text(ref)) seen += static_cast<unsigned char>(c);
    if (const char* text = image.c_str(ref)) seen += std::strlen(text);
}

void read_all(const SpawnerImage& image) {
    const SpawnerTables& t = image.tables();
    auto identity = [&](const Identity& who) {
        for (std::uint32_t i = 0; i < who.groups.count; ++i) seen += image.gid(who.groups.first + i);
    };
    auto refs = [&](Range range) {
        for (std::uint32_t i = 0; i < range.count; ++i) read(image, image.ref(range.first + i));
    };
    read(image, t.daemon.identifier);
    read(image, t.daemon.pidfile);
    read(image, t.daemon.log.path);
    identity(t.daemon.identity);
    for (std::uint32_t i = 0; i < image.group_count(); ++i) read(image, image.group(i).name);
    for (std::uint32_t i = 0; i < image.proc_count(); ++i) {
        const ProcRec& proc = image.proc(i);
        read(image, image.group(proc.group).name);
        read(image, proc.name);
        refs(proc.argv);
        refs(proc.env);
        refs(proc.candidates);
        identity(proc.identity);
        read(image, proc.out.path);
        if (proc.fcgi != kAbsent) read(image, image.fcgi(proc.fcgi).url);
    }
    for (std::uint32_t i = 0; i < t.listeners.count; ++i) read(image, image.listener(i).shown);
    for (std::uint32_t i = 0; i < t.lines.count; ++i) read(image, image.line(i).text);
    for (std::uint32_t i = 0; i < t.namespaces.count; ++i) read(image, image.rpc_namespace(i));
}

void read_all(const EngineImage& image) {
    read(image, image.daemon().version);
    for (std::uint32_t i = 0; i < image.server_count(); ++i) read(image, image.server(i).password);
    for (std::uint32_t i = 0; i < image.group_count(); ++i) read(image, image.group(i).fcgi_url);
    for (std::uint32_t i = 0; i < image.proc_count(); ++i) {
        const ProcView& proc = image.proc(i);
        read(image, image.group(proc.group).name);
        read(image, proc.command);
        for (std::uint32_t k = 0; k < proc.candidates.count; ++k)
            read(image, image.ref(proc.candidates.first + k));
        for (std::uint32_t k = 0; k < proc.exitcodes.count; ++k)
            seen += static_cast<std::size_t>(image.number(proc.exitcodes.first + k));
        read(image, proc.err.path);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    // A copy of exactly this size, so that a step outside is seen; aligned as a mapping is.
    std::unique_ptr<std::uint64_t[]> copy(new std::uint64_t[size / 8 + 1]);
    std::memcpy(copy.get(), data, size);
    // The header is the same in all sound images; with it filled in, more of the rest is tried.
    ImageHeader header{};
    if (size >= sizeof header) {
        std::memcpy(&header, copy.get(), sizeof header);
        std::memcpy(header.magic, "REEVEIMG", 8);
        header.version = kImageVersion;
        header.size = static_cast<std::uint32_t>(size);
        std::memcpy(copy.get(), &header, sizeof header);
    }
    std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(copy.get()), size);
    SpawnerImage spawner;
    if (spawner.open(bytes) == nullptr) {
        ++sound_spawner;
        read_all(spawner);
    }
    EngineImage engine;
    if (engine.open(bytes) == nullptr) {
        ++sound_engine;
        read_all(engine);
    }
    return 0;
}

// Images of another layout than today's end in the check of the header.
extern "C" const char* corpus_complaint();
extern "C" const char* corpus_complaint() {
    if (sound_spawner >= 2 && sound_engine >= 2) return nullptr;
    return "The corpus has no two sound images of each kind: have supervisor-confread write them anew "
           "(descriptors 3 and 4, as in test/tools/image_dump.cpp).";
}
