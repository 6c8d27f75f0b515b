// Methods that tell about processes and their configuration. See rpc_methods.hpp.
#include <algorithm>

#include "daemon/engine/describe.hpp"
#include "daemon/engine/rpc_methods.hpp"
#include "daemon/engine/supervisor.hpp"

namespace reeve {
namespace {

constexpr std::size_t kInfoBytes = 512;  // of a process, when its paths are not long

}  // namespace

void RpcMethods::get_process_info(const Arguments& args, Answer answer) {
    std::string info;
    write_process_info(*resolve_process(args.name(0)), supervisor_.loop().wall_us(), info);
    answer(Value::encoded(std::move(info)));
}

void RpcMethods::get_all_process_info(const Arguments&, Answer answer) {
    std::vector<MemberRef> all = everybody();
    std::sort(all.begin(), all.end(), [](const MemberRef& a, const MemberRef& b) {
        const Process& p = a->process();
        const Process& q = b->process();
        return std::tie(p.settings().group, p.name()) < std::tie(q.settings().group, q.name());
    });
    std::int64_t now = supervisor_.loop().wall_us();
    std::string infos;
    infos.reserve(16 + all.size() * kInfoBytes);
    Encoder(infos).array(all.size());
    for (const MemberRef& member : all) write_process_info(*member, now, infos);
    answer(Value::encoded(std::move(infos)));
}

void RpcMethods::get_all_config_info(const Arguments&, Answer answer) {
    const Generation& newest = supervisor_.newest();
    const EngineImage& image = newest.image();
    std::vector<std::uint32_t> order(image.proc_count());
    for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
        return image.text(image.proc(a).name) < image.text(image.proc(b).name);
    });
    std::vector<Value> infos;
    for (std::uint32_t proc : order) {
        const Group* active = supervisor_.find_group(image.text(image.group(image.proc(proc).group).name));
        bool current = active != nullptr && active->generation().number() == newest.number();
        infos.push_back(config_info(newest, proc, active != nullptr, current));
    }
    answer(Value::array(std::move(infos)));
}

}  // namespace reeve
