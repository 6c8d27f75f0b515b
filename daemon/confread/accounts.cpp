// Users and groups. See accounts.hpp.
#include "daemon/confread/accounts.hpp"

#include <grp.h>
#include <pwd.h>

#include "common/conf/error.hpp"

namespace reeve {
namespace {

const passwd& entry_of(uid_t uid) {
    const passwd* entry = ::getpwuid(uid);
    if (entry == nullptr) throw ConfigError("Invalid user id " + std::to_string(uid));
    return *entry;
}

}  // namespace

gid_t primary_group(uid_t uid) { return entry_of(uid).pw_gid; }

const Account& Accounts::of(uid_t uid) {
    auto known = accounts_.find(uid);
    if (known != accounts_.end()) return known->second;
    const passwd& entry = entry_of(uid);
    Account account{uid, entry.pw_gid, {}};
    std::string name = entry.pw_name;
    int count = 64;
    account.groups.resize(64);
    while (::getgrouplist(name.c_str(), account.gid, account.groups.data(), &count) < 0) {
        account.groups.resize(account.groups.size() * 2);
        count = static_cast<int>(account.groups.size());
    }
    account.groups.resize(static_cast<std::size_t>(count));
    return accounts_.emplace(uid, std::move(account)).first->second;
}

std::optional<Account> find_account(const std::string& name) {
    const passwd* entry = ::getpwnam(name.c_str());
    if (entry == nullptr) return std::nullopt;
    return Account{entry->pw_uid, entry->pw_gid, {entry->pw_gid}};
}

}  // namespace reeve
