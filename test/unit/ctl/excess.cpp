// What is read from /proc, and what of it is too much: each maximum exceeded once.
#include "ctl/excess.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <functional>

using namespace reeve;
using namespace reeve::ctl;

namespace {

constexpr const char* kStatus =
    "Name:\tsupervisor-rpc\nState:\tS (sleeping)\nUid:\t7\t7\t7\t7\nGid:\t8\t8\t8\t8\nGroups:\t8 \n"
    "Threads:\t1\nCapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"
    "CapBnd:\t0000000000000000\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:"
    "\t1\n";
constexpr const char* kLimits =
    "Limit                     Soft Limit           Hard Limit           Units     \n"
    "Max file size             0                    0                    bytes     \n"
    "Max address space         2147483648           2147483648           bytes     \n"
    "Max core file size        0                    0                    bytes     \n"
    "Max processes             0                    0                    processes \n"
    "Max nice priority         0                    0                    \n"
    "Max open files            20000                20000                files     \n";

const PartMaximum& maximum(std::string_view program) {
    for (const PartMaximum& most : kPartMaxima) {
        if (most.program == program) return most;
    }
    FAIL("no such part");
    return kPartMaxima[0];
}

// A front as it should be, below a spawner that runs as root.
struct Scene {
    ProcessView spawner, part;
    const PartMaximum* most = &maximum("supervisor-rpc");

    Scene() {
        REQUIRE(read_status(kStatus, part));
        read_limits(kLimits, part);
        part.root = "/run/.reeve (deleted)";
        part.root_empty = true;
        part.private_memory = true;
        part.descriptors = {{{0, FdKind::Null, "/dev/null"},
                             {1, FdKind::Null, "/dev/null"},
                             {2, FdKind::Device, "/dev/pts/1"},
                             {3, FdKind::Socket, "socket:[1]"}}};
        spawner.permitted = spawner.effective = capability_mask(kSpawnerCapabilities);
        spawner.filters = 0;
    }
    std::vector<std::string> excess() const { return excess_of_part(part, *most, spawner); }
};

}  // namespace

TEST_CASE("fields of /proc") {
    Scene scene;
    CHECK(scene.part.name == "supervisor-rpc");
    CHECK(scene.part.uids[1] == 7);
    CHECK(scene.part.groups == std::vector<std::uint32_t>{8});
    CHECK(scene.part.filters == 1);
    CHECK(scene.part.limits.find("Max open files")->second.hard == "20000");
    CHECK(scene.part.limits.find("Max nice priority")->second.soft == "0");
    ProcessView view;
    CHECK_FALSE(read_status("Name:\tx\nUid:\t1\t2\t3\t4\n", view));
    CHECK_FALSE(read_status("", view));
}

TEST_CASE("this process, and one that does not exist") {
    auto view = view_process(::getpid());
    REQUIRE(view);
    CHECK(view->uids[1] == ::geteuid());
    CHECK(view->program.has_value());
    CHECK(view->descriptors.has_value());
    CHECK_FALSE(view_process(0x7FFFFFFF));
}

TEST_CASE("a part as it should be has nothing too much") {
    CHECK(Scene().excess().empty());
    CHECK(excess_of_spawner(Scene().spawner).empty());
}

TEST_CASE("each maximum can be exceeded, and is named") {
    struct Row {
        const char* says;
        std::function<void(Scene&)> spoil;
    };
    const Row rows[] = {
        {"has the user ids 0,7; expected one that is not 0", [](Scene& s) { s.part.uids[2] = 0; }},
        {"has the group ids 0; expected one that is not 0",
         [](Scene& s) {
             s.part.gids = {0, 0, 0, 0}, s.part.groups = {};
         }},
        {"has the supplementary groups 4; expected none but its own",
         [](Scene& s) {
             s.part.groups = {8, 4};
         }},
        {"has permitted capabilities sys_chroot; expected none",
         [](Scene& s) { s.part.permitted = 1 << 18; }},
        {"has effective capabilities chown; expected none", [](Scene& s) { s.part.effective = 1; }},
        {"has inheritable capabilities chown; expected none", [](Scene& s) { s.part.inheritable = 1; }},
        {"has ambient capabilities chown kill; expected none", [](Scene& s) { s.part.ambient = 0x21; }},
        {"has bounding capabilities 63; expected none", [](Scene& s) { s.part.bounding = 1ULL << 63; }},
        {"has no_new_privs off; expected it on", [](Scene& s) { s.part.no_new_privs = false; }},
        {"has no system-call filter; expected one of its own", [](Scene& s) { s.part.seccomp = 0; }},
        {"has only the system-call filters of supervisord's parent; expected one of its own",
         [](Scene& s) { s.spawner.filters = 1; }},
        {"has the root directory /; expected an empty one that has been removed",
         [](Scene& s) { s.part.root = "/"; }},
        {"has the root directory /run/.reeve (deleted); expected an empty one that has been removed",
         [](Scene& s) { s.part.root_empty = false; }},
        {"has memory that others of its user can read; expected PR_SET_DUMPABLE 0",
         [](Scene& s) { s.part.private_memory = false; }},
        {"has 2 threads; expected 1", [](Scene& s) { s.part.threads = 2; }},
        {"has the limit 'Max processes' at 0, hard unlimited; expected 0",
         [](Scene& s) { s.part.limits["Max processes"].hard = "unlimited"; }},
        {"has the limit 'Max file size' at 5, hard 0; expected 0",
         [](Scene& s) { s.part.limits["Max file size"].soft = "5"; }},
        {"has directories among its descriptors: 1 (such as /etc, descriptor 9); expected none",
         [](Scene& s) {
             s.part.descriptors->push_back({9, FdKind::Directory, "/etc"});
         }},
        {"has /dev/null among its descriptors: 3 (such as /dev/null, descriptor 5); expected at most 2",
         [](Scene& s) {
             s.part.descriptors->push_back({5, FdKind::Null, "/dev/null"});
         }},
    };
    for (const Row& row : rows) {
        Scene scene;
        row.spoil(scene);
        CHECK(scene.excess() == std::vector<std::string>{row.says});
    }
}

TEST_CASE("what depends on how supervisord was started") {
    Scene scene;
    scene.part.root = "/";
    scene.part.bounding = 1;
    scene.spawner.permitted = 0;  // root without capabilities cannot shut anybody in
    CHECK(scene.excess().empty());
    scene.spawner.uids = {7, 7, 7, 7};
    CHECK(scene.excess().empty());
    scene.part.uids[0] = 6;
    CHECK(scene.excess() == std::vector<std::string>{"has the user ids 6,7; expected only 7"});

    Scene with_file;
    with_file.part.limits["Max file size"] = {"unlimited", "unlimited"};
    with_file.part.descriptors->at(2).kind = FdKind::File;
    CHECK(with_file.excess().empty());
    with_file.part.descriptors.reset();
    CHECK(with_file.excess().empty());
    CHECK(is_partly_hidden(with_file.part));
}

TEST_CASE("the spawner keeps what it needs and no more") {
    Scene scene;
    scene.spawner.permitted |= 1ULL << 21;
    CHECK(excess_of_spawner(scene.spawner).empty());
    scene.spawner.effective |= 1ULL << 21;
    REQUIRE(excess_of_spawner(scene.spawner).size() == 1);
    CHECK(excess_of_spawner(scene.spawner)[0].starts_with(
        "has effective capabilities sys_admin; expected only chown "));
    scene.spawner.uids = {7, 7, 7, 7};
    CHECK(excess_of_spawner(scene.spawner).empty());
}
