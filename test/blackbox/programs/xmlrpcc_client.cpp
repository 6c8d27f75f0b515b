// Makes XML-RPC calls with the client of the library xmlrpc-c, for the comparison of clients
// (cases/rpc_clients.py).
//
// Standard input: calls as XML, each behind its size and LF. The library takes each apart, sends it its own
// way, and takes the answer apart; that answer is written out again as XML, behind its size and LF. So both
// its writer and its reader see everything. Argument: the URL.
#include <xmlrpc-c/base.h>
#include <xmlrpc-c/client.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

[[noreturn]] void die(const char* what, const xmlrpc_env& env) {
    std::fprintf(stderr, "xmlrpcc_client: %s: %s\n", what, env.fault_string);
    std::exit(1);
}

bool read_call(std::string& call) {
    unsigned size = 0;
    if (std::scanf("%u", &size) != 1 || std::getchar() != '\n') return false;
    call.resize(size);
    return std::fread(call.data(), 1, size, stdin) == size;
}

}  // namespace

int main(int, char** argv) {
    xmlrpc_env env;
    xmlrpc_env_init(&env);
    xmlrpc_client_setup_global_const(&env);
    xmlrpc_client* client = nullptr;
    xmlrpc_client_create(&env, XMLRPC_CLIENT_NO_FLAGS, "test", "1", nullptr, 0, &client);
    if (env.fault_occurred) die("create", env);
    xmlrpc_server_info* server = xmlrpc_server_info_new(&env, argv[1]);
    if (env.fault_occurred) die("server", env);

    for (std::string call; read_call(call);) {
        const char* method = nullptr;
        xmlrpc_value* parameters = nullptr;
        xmlrpc_parse_call(&env, call.data(), call.size(), &method, &parameters);
        if (env.fault_occurred) die("parse", env);

        xmlrpc_env result;
        xmlrpc_env_init(&result);
        xmlrpc_value* value = nullptr;
        xmlrpc_client_call2(&result, client, server, method, parameters, &value);
        xmlrpc_mem_block* answer = xmlrpc_mem_block_new(&env, 0);
        if (result.fault_occurred) {
            xmlrpc_serialize_fault(&env, answer, &result);
        } else {
            xmlrpc_serialize_response(&env, answer, value);
            xmlrpc_DECREF(value);
        }
        if (env.fault_occurred) die("serialize", env);
        std::printf("%zu\n", xmlrpc_mem_block_size(answer));
        std::fwrite(xmlrpc_mem_block_contents(answer), 1, xmlrpc_mem_block_size(answer), stdout);
        std::fflush(stdout);
        xmlrpc_mem_block_free(answer);
        xmlrpc_env_clean(&result);
        xmlrpc_DECREF(parameters);
        std::free(const_cast<char*>(method));
    }
    xmlrpc_server_info_free(server);
    xmlrpc_client_destroy(client);
    xmlrpc_client_teardown_global_const();
    return 0;
}
