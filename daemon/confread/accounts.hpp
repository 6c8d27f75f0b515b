// Users and groups, looked up here so that the daemon that runs as root never has to.
#pragma once

#include <sys/types.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace reeve {

struct Account {
    uid_t uid;
    gid_t gid;
    std::vector<gid_t> groups;  // the primary one first
};

// The primary group of a known user.
gid_t primary_group(uid_t uid);

class Accounts {
  public:
    // A user with all groups. The user must be known (parse_user).
    const Account& of(uid_t uid);

  private:
    std::map<uid_t, Account> accounts_;
};

// The uid and primary group of a user, without further groups; nullopt if there is none of that name.
std::optional<Account> find_account(const std::string& name);

}  // namespace reeve
