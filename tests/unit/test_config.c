/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "daemon/config.h"
#include "daemon/config_check.h"
#include "daemon/config_table.h"
#include "steem/accounts.h"

static char path[64];
static char secret_path[64];

static int make_files(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "/tmp/test_config_XXXXXX");
	snprintf(secret_path, sizeof(secret_path), "/tmp/test_secret_XXXXXX");
	return close(mkstemp(path)) + close(mkstemp(secret_path));
}

static int remove_files(void **state)
{
	(void)state;
	return unlink(path) + unlink(secret_path);
}

static void write_file(const char *name, const char *text)
{
	FILE *file = fopen(name, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* Load this text; the mistakes in *ret_said (the caller frees it). */
static int load(struct config *config, const char *text, char **ret_said)
{
	size_t size;
	FILE *mistakes = open_memstream(ret_said, &size);
	int result;

	write_file(path, text);
	result = config_load(config, CONFIG_READER, path, mistakes);
	assert_int_equal(fclose(mistakes), 0);
	return result;
}

static char *print(const struct config *config)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	config_print(config, out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static char *print_sample(enum config_program program)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	config_print_sample(program, out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void an_empty_file_means_the_defaults(void **state)
{
	CLEANUP(mem_free_pointer) char *said = NULL;
	struct config config;
	char host[65] = "";

	(void)state;
	assert_int_equal(load(&config, "", &said), 0);
	assert_string_equal(said, "");
	assert_int_equal(config.nodes.count, 2);
	assert_string_equal(config.database.hosts[0], "127.0.0.1:3306");
	assert_int_equal(config.database.tls, DB_TLS_PREFERRED);
	assert_null(config.database.password);
	assert_int_equal(config.fetch.batch_size, 50);
	assert_int_equal(config.replay.before_tail, 201600);
	assert_int_equal(config.log_level, LOG_LEVEL_INFO);
	gethostname(host, sizeof(host) - 1);
	assert_memory_equal(config.reader.name, host, strlen(config.reader.name));
	config_release(&config);
	config_release(&config);
}

static void all_options_arrive(void **state)
{
	CLEANUP(mem_free_pointer) char *said = NULL;
	struct config config;

	(void)state;
	assert_int_equal(
		load(&config,
		     "nodes = ( { url = \"http://a\"; } );\n"
		     "database = { hosts = [ \"h:1\", \"/run/x.sock\" ]; user = \"u\"; name = \"n\"; };\n"
		     "reader = { name = \"r1\"; start_block = 4000000000L; stall_s = 7;\n"
		     "  follow = \"head\"; virtual_operations = true;\n"
		     "  unverified_virtual = true; };\n"
		     "filter = ( { name = \"ask\"; operation = \"comment\"; body_prefix = \"!ask\"; },\n"
		     "  { operation = ( \"transfer\", \"vote\" ); account = \"alice\"; } );\n"
		     "fetch = { connections = 1; batch_size = 2; timeout_ms = 300;\n"
		     "  max_memory_mib = 40; rate_limit = 25; };\n"
		     "write = { connections = 3; batch_rows = 4; batch_kib = 5; };\n"
		     "replay = { before_tail = 0; scan_interval_s = 6; full_scan_h = 8; };\n"
		     "metrics = { listen = \"[::1]:9753\"; }; log = { level = \"debug\"; };\n",
		     &said),
		0);
	assert_string_equal(said, "");
	assert_int_equal(config.database.host_count, 2);
	assert_string_equal(config.database.hosts[1], "/run/x.sock");
	assert_int_equal(config.reader.start_block, 4000000000);
	assert_int_equal(config.reader.stall_s, 7);
	assert_true(config.filter.virtual_operations);
	assert_true(config.reader.unverified_virtual);
	assert_int_equal(config.reader.follow, READER_FOLLOW_HEAD);
	assert_string_equal(config.reader.name, "r1");
	assert_int_equal(config.filter.rule_count, 2);
	assert_string_equal(config.filter.rules[0].body_prefix, "!ask");
	assert_int_equal(config.filter.rules[1].operation_count, 2);
	assert_string_equal(config.filter.rules[1].operations[1], "vote");
	assert_int_equal(config.fetch.max_memory_mib, 40);
	assert_int_equal(config.write.batch_kib, 5);
	assert_int_equal(config.replay.full_scan_h, 8);
	assert_string_equal(config.metrics_listen, "[::1]:9753");
	assert_int_equal(config.log_level, LOG_LEVEL_DEBUG);
	config_release(&config);
}

static void what_is_printed_can_be_read_back(void **state)
{
	CLEANUP(mem_free_pointer) char *said = NULL;
	CLEANUP(mem_free_pointer) char *again_said = NULL;
	CLEANUP(mem_free_pointer) char *first = NULL;
	CLEANUP(mem_free_pointer) char *second = NULL;
	struct config config;

	(void)state;
	assert_int_equal(load(&config,
			      "reader = { start_block = 3000000000L; name = \"x\"; };\n"
			      "filter = ( { body_contains = \"a\\\"b\\\\c\\n\"; },\n"
			      "  { operation = [ \"vote\", \"unknown:new_one\" ]; },\n"
			      "  { operation = \"unknown:new_one\"; body_prefix = \"x\"; } );",
			      &said),
			 0);
	first = print(&config);
	config_release(&config);
	assert_int_equal(load(&config, first, &again_said), 0);
	assert_string_equal(config.filter.rules[0].body_contains, "a\"b\\c\n");
	assert_string_equal(config.filter.rules[1].operations[1], "new_one");
	second = print(&config);
	config_release(&config);
	assert_string_equal(first, second);
	assert_non_null(strstr(first, "start_block = 3000000000L;"));
}

/* A file, and what must be said of it; the line stands in the text. */
static const struct {
	const char *text;
	const char *said;
} bad[] = {
	{"\nfetch = { batch_size = 0; };", ":2: fetch.batch_size: is 0; allowed is 1 to 1000"},
	{"fetch = { batch_size = -1; };", "fetch.batch_size: is -1;"},
	{"fetch = { batch_size = 1.5; };", "fetch.batch_size: is a number with a fraction"},
	{"fetch = { batch_size = true; };", "fetch.batch_size: is true or false"},
	{"fetch = { batch_size = \"5\"; };", "fetch.batch_size: is a text"},
	{"fetch = { bach_size = 5; };", "bach_size: is unknown in fetch"},
	{"fetch = 5;", "fetch: is a whole number; allowed is a group"},
	{"fetsch = { };", "fetsch: is unknown"},
	{"reader = { start_block =\n 4294967297; };", ":2: start_block: 4294967297 is too large"},
	{"reader = { start_block = 3000000000; };", "start_block: 3000000000 is too large"},
	{"reader = { start_block = 0x100000001; };", "start_block: 0x100000001 is too large"},
	{"reader = { start_block = 99999999999999999999L; };", "is too large"},
	{"reader = { start_block = 5000000000L; };", "is 5000000000; allowed is 0 to 4294967295"},
	{"reader = { name = \"a b\"; };", "reader.name: is \"a b\"; allowed are letters"},
	{"reader = { follow = \"tail\"; };",
	 "reader.follow: is tail; allowed is one of \"irreversible\", \"head\""},
	{"reader = { follow = 1; };", "reader.follow: "},
	{"reader = { virtual_operations = 1; };",
	 "virtual_operations: is a whole number; allowed are true and false"},
	{"reader = { unverified_virtual = \"no\"; };",
	 "unverified_virtual: is a text; allowed are true and false"},
	{"metrics = { listen = \"x:1\"; };",
	 "metrics.listen: is \"x:1\"; allowed is \"ADDRESS:PORT\""},
	{"metrics = { listen = \"9753\"; };", "metrics.listen: is \"9753\"; allowed"},
	{"metrics = { listen = \":9753\"; };", "metrics.listen: is \":9753\"; allowed"},
	{"metrics = { listen = \"127.0.0.1\"; };", "metrics.listen: is \"127.0.0.1\"; allowed"},
	{"metrics = { listen = \"127.0.0.1:\"; };", "metrics.listen: is \"127.0.0.1:\"; allowed"},
	{"metrics = { listen = \"127.0.0.1:65536\"; };", "metrics.listen: is"},
	{"metrics = { listen = \"127.0.0.1:-1\"; };", "metrics.listen: is"},
	{"metrics = { listen = \"::1:9753\"; };", "metrics.listen: is \"::1:9753\"; allowed"},
	{"metrics = { listen = \"[]:9753\"; };", "metrics.listen: is \"[]:9753\"; allowed"},
	{"metrics = { listen = \"[127.0.0.1]:9753\"; };", "metrics.listen: is"},
	{"metrics = { listen = 9753; };", "metrics.listen: is a whole number; allowed is a text"},
	{"fetch = { rate_limit = 10001; };", "fetch.rate_limit: is 10001; allowed is 0 to 10000"},
	{"nodes = ( );", "nodes: has 0 members"},
	{"nodes = \"http://a\";", "nodes: is a text; allowed is a list"},
	{"nodes = ( \"http://a\" );", "nodes: a node is a group"},
	{"nodes = ( { url = \"ftp://a\"; } );", "nodes.url: is \"ftp://a\""},
	{"nodes = ( { url = \"http://\"; } );", "nodes.url: is \"http://\""},
	{"nodes = ( { url = \"http://a\"; weight = 1; } );", "nodes: a node is a group"},
	{"nodes = ( { url = \"http://a\"; }, { url = \"http://a\"; } );", "is there twice"},
	{"database = { hosts = ( ); };", "database.hosts: has 0 members"},
	{"database = { hosts = ( \"h:99999\" ); };",
	 "database.hosts: \"h:99999\" is no database host"},
	{"database = { name = \"\"; };", "database.name: has 0 bytes"},
	{"database = { password_file = \"/nonexistent/x\"; };", "cannot open /nonexistent/x"},
	{"database = { tls = \"yes\"; };",
	 "database.tls: is yes; allowed is one of \"off\", \"preferred\", \"required\", \"verify\""},
	{"database = { tls = true; };", "database.tls: is true or false; allowed is one of"},
	{"database = { tls_ca = \"/etc/hostname\"; };",
	 "tls_ca: is of use only with tls = \"verify"},
	{"database = { tls = \"verify\"; tls_ca = \"/nonexistent/x\"; };",
	 "database.tls_ca: cannot read /nonexistent/x: No such file"},
	{"database = { tls = \"verify\"; tls_ca = \"/\"; };", "database.tls_ca: / is not a file"},
	{"database = { tls = \"verify\"; tls_ca = \"/dev/null\"; };",
	 "database.tls_ca: /dev/null is not a file"},
	{"log = { level = \"loud\"; };", "log.level: is loud; allowed is"},
	{"filter = ( { body = \"x\"; } );", "body: is unknown; a filter rule may have"},
	{"filter = ( { name = \"x\"; } );", "a rule without a condition"},
	{"filter = ( { operation = \"Vote\"; } );", "filter.operation: is \"Vote\""},
	{"filter = ( { operation = ( ); } );", "filter.operation: is an empty list"},
	{"filter = ( { account = \"seventeen-letters\"; } );", "filter.account: has 17 bytes"},
	{"filter = ( 5 );", "filter: is a whole number; a rule is a group"},
	{"fetch = { };\nfetch = { };", ":2: duplicate setting name"},
	{"fetch = {\n\n batch_size = ; };", ":3: syntax error"},
	{"@include \"x\"", "@include: is not allowed"},
	/* Operations. */
	{"filter = (\n { operation = \"coment\"; } );",
	 ":2: filter.operation: is \"coment\", which is no operation of the chain; did you mean "
	 "\"comment\"?"},
	{"filter = ( { operation = ( \"vote\", \"tranfser\" ); } );", "did you mean \"transfer\"?"},
	{"filter = ( { operation = \"comment_operation\"; } );", "did you mean \"comment\"?"},
	{"filter = ( { operation = \"Custom-JSON\"; } );", "did you mean \"custom_json\"?"},
	{"filter = ( { operation = \"something_else_entirely\"; } );",
	 "which is no operation of the chain; steem-reader.conf(5)"},
	{"filter = ( { operation = \"unknown:comment\"; } );",
	 "comment is known; write \"comment\""},
	{"filter = ( { operation = \"unknown:\"; } );", "allowed behind unknown: are"},
	{"filter = ( { operation = \"unknown:A\"; } );", "allowed behind unknown: are"},
	{"filter = ( { operation = \"author_reward\"; } );",
	 "a virtual operation, and none is read; set reader.virtual_operations = true"},
	/* Conditions. */
	{"filter = (\n { operation = \"comment\"; memo_prefix = \"x\"; } );",
	 ":2: filter: this rule can never keep a \"comment\": its condition memo_prefix"},
	{"filter = ( { operation = \"transfer\"; body_prefix = \"x\"; } );",
	 "condition body_prefix"},
	{"filter = ( { operation = \"vote\"; body_contains = \"x\"; } );",
	 "condition body_contains"},
	{"filter = ( { operation = \"comment\"; id = \"x\"; } );", "condition id"},
	{"filter = ( { operation = \"unknown:new_one\"; id = \"x\"; } );", "condition id"},
	{"filter = ( { operation = \"unknown:new_one\"; account = \"alice\"; } );",
	 "condition account"},
	{"filter = ( { operation = ( \"comment\", \"vote\" ); body_prefix = \"x\"; } );",
	 "can never keep a \"vote\""},
	{"filter = ( { operation = \"hardfork\"; account = \"alice\"; } );\n"
	 "reader = { virtual_operations = true; };",
	 "can never keep a \"hardfork\": its condition account"},
	{"filter = ( { memo_prefix = \"x\"; body_prefix = \"x\"; } );", "can never keep anything"},
	{"filter = ( { memo_prefix = \"x\"; id = \"x\"; } );", "can never keep anything"},
	{"filter = ( { id = \"a23456789012345678901234567890123\"; } );",
	 "filter.id: has 33 bytes"},
	{"filter = ( { body_prefix = \"\"; } );", "filter.body_prefix: has 0 bytes"},
	{"filter = ( { body_prefix = \"a\xe4\"; } );",
	 "filter.body_prefix: is no UTF-8 from its byte 2"},
	{"filter = ( { memo_prefix = \"\\xff\"; } );",
	 "filter.memo_prefix: is no UTF-8 from its byte 1"},
	{"filter = ( { body_contains = \"\xed\xa0\x80\"; } );", "is no UTF-8 from its byte 1"},
	/* Accounts. */
	{"filter = ( { account = \"Alice\"; } );",
	 "filter.account: is \"Alice\", which cannot be an account name: it has capital letters"},
	{"filter = ( { account = \"@alice\"; } );", "which cannot be an account name"},
	{"filter = ( { account = \"al\"; } );", "which cannot be an account name"},
	{"filter = ( { account = \"alice.\"; } );", "which cannot be an account name"},
	{"filter = ( { account = \"alice\\n\"; } );", "which cannot be an account name"},
	/* URLs. */
	{"nodes = ( { url = \"http://host:99999\"; } );",
	 "nodes.url: is \"http://host:99999\", whose port is no number"},
	{"nodes = ( { url = \"http://host:0\"; } );", "whose port"},
	{"nodes = ( { url = \"http://host:80x/\"; } );", "whose port"},
	{"nodes = ( { url = \"http://host:-1\"; } );", "whose port"},
	{"nodes = ( { url = \"http://host:\"; } );", "has no port behind its ':'"},
	{"nodes = ( { url = \"http://[::1\"; } );", "has no ']' at its end"},
	{"nodes = ( { url = \"http://[::1]x\"; } );", "between ']' and the port"},
	{"nodes = ( { url = \"http://[]:80\"; } );", "no IPv6 address"},
	{"nodes = ( { url = \"http://[::g]\"; } );", "no IPv6 address"},
	{"nodes = ( { url = \"http://::1\"; } );", "which has no host"},
	{"nodes = ( { url = \"http://2001:db8::1/\"; } );", "whose port is no number"},
	{"nodes = ( { url = \"http:///x\"; } );", "which has no host"},
	{"nodes = ( { url = \"http://:80\"; } );", "which has no host"},
	{"nodes = ( { url = \"http://user@\"; } );", "which has no host"},
	{"nodes = ( { url = \"http://a b\"; } );", "white space"},
	{"nodes = ( { url = \" http://a\"; } );", "white space"},
	{"nodes = ( { url = \"http://a\\n\"; } );", "white space"},
	{"nodes = ( { url = \"http://a..b\"; } );", "a part that is empty"},
	{"nodes = ( { url = \"http://256.1.1.1\"; } );", "no IPv4 address"},
	{"nodes = ( { url = \"http://a,b\"; } );", "a character that no host name has"},
	{"nodes = ( { url = \"http://a/#x\"; } );", "which has a '#'"},
	{"nodes = ( { url = \"ws://a:8090\"; } );", "the websocket port of a node"},
	{"nodes = ( { url = \"wss://a\"; } );", "the websocket port of a node"},
	{"nodes = ( { url = \"HTTP://a\"; } );", "not in lower case"},
	{"nodes = ( { url = \"api.steemit.com\"; } );", "does not begin with http://"},
	{"nodes = ( { url = \"http://a\"; }, { url = \"http://A:80/\"; } );", "is there twice"},
	{"nodes = ( { url = \"https://a/x\"; }, { url = \"https://a:443/x\"; } );",
	 "is there twice"},
	/* Database servers: as store/db_error.c understands them. */
	{"database = { hosts = ( \"[::1\" ); };", "database.hosts: \"[::1\" is no database host"},
	{"database = { hosts = ( \"[::1]x\" ); };", "is no database host"},
	{"database = { hosts = ( \"[]:3306\" ); };", "is no database host"},
	{"database = { hosts = ( \"[db]:3306\" ); };", "is no database host"},
	{"database = { hosts = ( \"a:b:c\" ); };", "is no database host"},
	{"database = { hosts = ( \"a b\" ); };", "is no database host"},
	{"database = { hosts = ( \"256.1.1.1\" ); };", "is no database host"},
	{"database = { hosts = ( \"10.0.0.1.2:3306\" ); };", "is no database host"},
	{"database = { hosts = ( \"a..b\" ); };", "is no database host"},
	{"database = { hosts = ( \".\" ); };", "is no database host"},
	{"database = { hosts = ( \"run/mysqld.sock\" ); };", "is no database host"},
	{"database = { hosts = ( \"root@db\" ); };", "is no database host"},
	/* Bytes. */
	{"\xef\xbb\xbf"
	 "fetch = { };",
	 ":1: the file begins with a byte-order mark"},
	{"# x\rfetch = { batch_size = 0; };\r", ":1: the file has carriage returns (CR)"},
	{"# x\rfetch = { batch_size = 0; };\r\n", ":1: the file has carriage returns (CR)"},
	{"filter = (\n{ body_prefix = \"a\\x00b\"; } );", ":2: body_prefix: holds a zero byte"},
	{"fetch = { };\nlog = { level = \xe2\x80\x9cinfo\xe2\x80\x9d; };",
	 ":2: the character \xe2\x80\x9c outside of quotes"},
	{"fetch =\xc2\xa0{ };", ":1: the character \xc2\xa0 outside of quotes"},
	{"# \xe2\x80\x9c\n/* \xe2\n */ log = { level = \"\xe4\"; }; fetch =\xe4{ };",
	 ":3: a byte that is no UTF-8"},
};

static void mistakes_are_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CLEANUP(mem_free_pointer) char *said = NULL;
		struct config config;

		assert_int_equal(load(&config, bad[i].text, &said), -1);
		if (strstr(said, bad[i].said) == NULL || strstr(said, path) != said)
			fail_msg("%s\nsaid: %s\nnot: %s", bad[i].text, said, bad[i].said);
	}
}

/* What a strict check must not refuse. */
static const char *const good[] = {
	"filter = ( { operation = \"hardfork\"; account = \"initminer\"; },\n"
	"           { operation = \"producer_reward\"; account = \"alice\"; } );\n"
	"reader = { virtual_operations = true; };",
	"database = { hosts = ( \"db.\", \"10.1:3306\", \"127.0.0.1\", \"db-1_x.example\" ); };",
	"fetch = { };\r\nlog = { level = \"info\"; };\r\n",
	"# \xc3\xa4 \xe4\nfetch = { };",
	"nodes = ( { url = \"http://127.0.0.1:8090\"; }, { url = \"http://[::1]:8090/\"; },\n"
	"  { url = \"https://user:pass@api.example.org:8443/rpc?key=x\"; },\n"
	"  { url = \"http://[fe80::1%25eth0]:80\"; }, { url = \"http://steem_node\"; },\n"
	"  { url = \"http://127.0.0.1:8091\"; }, { url = \"https://127.0.0.1:8090\"; },\n"
	"  { url = \"http://h\xc3\xb6st.example\"; }, { url = \"http://a.example.\"; },\n"
	"  { url = \"http://10.0.0.1.example\"; }, { url = \"http://a/x\"; }, { url = \"http://a/y\"; } );",
	"database = { hosts = ( \"::1\", \"2001:db8::1\", \"[2001:db8::1]:3307\", \"db\", \"db:3306\",\n"
	"  \"[fe80::1%eth0]\", \"/run/a b.sock\" ); };",
	"reader = { virtual_operations = true; };\n"
	"filter = ( { operation = \"author_reward\"; account = \"alice\"; } );",
	/* The order of the groups does not matter. */
	"filter = ( { operation = ( \"fill_transfer_from_savings\", \"transfer\" ); memo_prefix = \"x\"; } );\n"
	"reader = { virtual_operations = true; };",
	"filter = ( { operation = \"unknown:new_one\"; memo_prefix = \"x\"; } );",
	"filter = ( { operation = \"custom_json\"; id = \"follow\"; account = \"alice\"; },\n"
	"  { memo_prefix = \"x\"; account = \"alice\"; }, { body_prefix = \"!ask\"; body_contains = \"x\"; },\n"
	"  { account = \"steem.dao\"; }, { body_contains = \"\xf0\x9f\x98\x80\"; } );",
};

static void what_can_work_is_accepted(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		CLEANUP(mem_free_pointer) char *said = NULL;
		struct config config;

		if (load(&config, good[i], &said) != 0)
			fail_msg("%s\nsaid: %s", good[i], said);
		config_release(&config);
	}
}

/* Who signs for an account of a poster: a key file, or a command with its public key. */
static const struct {
	const char *members, *said; /* NULL: it is good */
} signers[] = {
	{"key_file = \"/a\";", NULL},
	{"key_file = \"/a\"; signer = \"file\";", NULL},
	{"signer = \"command\"; command = ( \"sign\", \"\", \"b c\" ); public_key = \"STM\";",
	 NULL},
	{"signer = \"command\"; command = \"sign\"; public_key = \"STM\"; timeout_s = 30;", NULL},
	{"", "accounts.key_file: is missing"},
	{"signer = \"command\";", "accounts.command: is missing; signer = \"command\" needs"},
	{"signer = \"command\"; command = \"sign\";", "accounts.public_key: is missing"},
	{"signer = \"command\"; command = \"sign\"; public_key = \"STM\"; key_file = \"/a\";",
	 "accounts.key_file: does not go with signer = \"command\""},
	{"key_file = \"/a\"; command = \"sign\";",
	 "accounts.command: is of use only with signer = \"command\""},
	{"key_file = \"/a\"; signer = \"file\"; public_key = \"STM\";",
	 "accounts.public_key: is of use only with signer = \"command\""},
	{"key_file = \"/a\"; timeout_s = 3;", "accounts.timeout_s: is of use only with signer"},
	{"key_file = \"/a\"; signer = \"program\";", "accounts.signer: is program; allowed are"},
	{"key_file = \"/a\"; signer = true;", "accounts.signer: is true or false; allowed are"},
	{"signer = \"command\"; command = ( ); public_key = \"STM\";",
	 "accounts.command: has 0 members"},
	{"signer = \"command\"; command = ( 7 ); public_key = \"STM\";",
	 "accounts.command: is a whole number"},
	{"signer = \"command\"; command = \"sign\"; public_key = \"\";",
	 "accounts.public_key: has 0 bytes"},
	{"signer = \"command\"; command = \"sign\"; public_key = \"STM\"; timeout_s = 31;",
	 "accounts.timeout_s: is not allowed; allowed is a whole number from 1 to 30"},
};

static void an_account_has_one_signer(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(signers) / sizeof(signers[0]); i++) {
		CLEANUP(mem_free_pointer) char *said = NULL;
		CLEANUP(mem_free_pointer) char *printed = NULL;
		struct config config;
		char text[300];
		size_t size;
		FILE *mistakes = open_memstream(&said, &size);
		int result;

		snprintf(text, sizeof(text),
			 "accounts = ( { name = \"bot\"; authority = \"posting\"; %s } );",
			 signers[i].members);
		write_file(path, text);
		result = config_load(&config, CONFIG_POSTER, path, mistakes);
		assert_int_equal(fclose(mistakes), 0);
		if (signers[i].said != NULL) {
			assert_int_equal(result, -1);
			if (strstr(said, signers[i].said) == NULL)
				fail_msg("%s said: %s", text, said);
			continue;
		}
		if (result != 0)
			fail_msg("%s said: %s", text, said);
		/* What is printed can be read again. */
		printed = print(&config);
		config_release(&config);
		write_file(path, printed);
		assert_int_equal(config_load(&config, CONFIG_POSTER, path, stderr), 0);
		assert_int_equal(config.accounts.items[0].is_command,
				 strstr(text, "\"command\"") != NULL);
		if (i == 2) {
			assert_int_equal(config.accounts.items[0].command_count, 3);
			assert_string_equal(config.accounts.items[0].command[1], "");
			assert_string_equal(config.accounts.items[0].command[2], "b c");
			assert_int_equal(config.accounts.items[0].timeout_s, 5);
		}
		config_release(&config);
	}
}

/* All names that accounts.c knows may be asked for, and near ones are no names. */
static void every_operation_may_be_asked_for(void **state)
{
	(void)state;
	for (size_t i = 0; accounts_operation(i) != NULL; i++) {
		CLEANUP(mem_free_pointer) char *said = NULL;
		struct config config;
		char text[200];

		snprintf(text, sizeof(text),
			 "reader = { virtual_operations = true; };\n"
			 "filter = ( { operation = \"%s\"; } );",
			 accounts_operation(i));
		assert_int_equal(load(&config, text, &said), 0);
		config_release(&config);
	}
}

static void a_secret_in_a_url_is_never_shown(void **state)
{
	static const struct {
		const char *url, *shown;
	} cases[] = {
		{"https://user:hush@api.example.org:8443/rpc",
		 "https://***@api.example.org:8443/rpc"},
		{"https://hush@api.example.org/", "https://***@api.example.org/"},
		{"https://user:hush@x:hush@api.example.org", "https://***@api.example.org"},
		{"https://api.example.org/?key=hush", "https://api.example.org/?***"},
		{"https://u:hush@api.example.org/a@b?hush", "https://***@api.example.org/a@b?***"},
		{"https://api.example.org/plain", "https://api.example.org/plain"},
		/* With faults, too. */
		{"https://user:hush@api.example.org:99999", "https://***@api.example.org:99999"},
		{"https://user:hu/sh@api.example.org", "https://***@api.example.org"},
		{"https://user:hu#sh@api.example.org", "https://***@api.example.org"},
		{"ftp://user:hush@host", "ftp://***@host"},
		{"user:hush@host", "***@host"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEANUP(mem_free_pointer) char *shown = config_url_shown(cases[i].url);
		CLEANUP(mem_free_pointer) char *said = NULL;
		struct config config;
		char text[300];

		assert_string_equal(shown, cases[i].shown);
		snprintf(text, sizeof(text), "nodes = ( { url = \"%s\"; } );", cases[i].url);
		if (load(&config, text, &said) == 0) {
			CLEANUP(mem_free_pointer) char *printed = print(&config);

			assert_null(strstr(printed, "hush"));
			assert_int_equal(strstr(printed, "# ***") != NULL,
					 strcmp(shown, cases[i].url) != 0);
			assert_string_equal(config.nodes.urls[0], cases[i].url);
			config_release(&config);
		}
		assert_null(strstr(said, "hush"));
		snprintf(text, sizeof(text), "nodes = ( { url = \"%s\"; }, { url = \"%s\"; } );",
			 cases[i].url, cases[i].url);
		mem_free_pointer(&said);
		assert_int_equal(load(&config, text, &said), -1);
		assert_null(strstr(said, "hush"));
	}
}

static void numbers_in_texts_and_comments_are_no_numbers(void **state)
{
	CLEANUP(mem_free_pointer) char *said = NULL;
	struct config config;

	(void)state;
	assert_int_equal(load(&config,
			      "# 99999999999\n// 99999999999\n/* 99999999999\n */\n"
			      "filter = ( { body_prefix = \"99999999999 \\\" 99999999999\"; } );",
			      &said),
			 0);
	config_release(&config);
}

static void all_mistakes_come_at_once(void **state)
{
	CLEANUP(mem_free_pointer) char *said = NULL;
	struct config config;
	unsigned lines = 0;

	(void)state;
	assert_int_equal(load(&config,
			      "fetch = { batch_size = 0; connections = 0; };\n"
			      "colour = 1;\nwrite = { batch_rows = \"x\"; };",
			      &said),
			 -1);
	for (const char *at = said; *at != '\0'; at++)
		lines += *at == '\n';
	assert_int_equal(lines, 4);
}

static void the_password_comes_from_its_file(void **state)
{
	char text[128];

	(void)state;
	snprintf(text, sizeof(text), "database = { password_file = \"%s\"; };", secret_path);
	for (int mode = 0; mode < 2; mode++) {
		CLEANUP(mem_free_pointer) char *said = NULL;
		struct config config;

		write_file(secret_path, mode == 0 ? "pass word \n" : "");
		chmod(secret_path, 0640);
		assert_int_equal(load(&config, text, &said), 0);
		if (mode == 0)
			assert_string_equal(config.database.password, "pass word ");
		else
			assert_null(config.database.password);
		config_release(&config);
	}
}

static void what_an_editor_leaves_in_a_password_is_named(void **state)
{
	static const struct {
		const char *password, *said;
	} cases[] = {
		{"hush\r\n", "carriage return (CR)"},
		{"hush\r", "carriage return (CR)"},
		{"hush\r\n\r\n", "carriage return (CR)"},
		{"\xef\xbb\xbfhush\n", "byte-order mark"},
		{"hush\n\n", "more than one line"},
		{"hush\n# of the reader\n", "more than one line"},
	};
	char text[128];

	(void)state;
	snprintf(text, sizeof(text), "database = {\n password_file = \"%s\"; };", secret_path);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CLEANUP(mem_free_pointer) char *said = NULL;
		struct config config;

		write_file(secret_path, cases[i].password);
		chmod(secret_path, 0600);
		assert_int_equal(load(&config, text, &said), -1);
		assert_non_null(strstr(said, ":2: database.password_file: "));
		assert_non_null(strstr(said, cases[i].said));
		assert_null(strstr(said, "hush"));
	}
}

static void a_file_in_utf16_is_named(void **state)
{
	static const char *const files[] = {"\xff\xfe\146\0e\0", "\xfe\xff\0f\0e", "f\0e\0t\0"};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		CLEANUP(mem_free_pointer) char *said = NULL;
		FILE *file = fopen(path, "w");
		size_t size;
		FILE *mistakes = open_memstream(&said, &size);
		struct config config;

		assert_int_equal(fwrite(files[i], 1, 6, file), 6);
		fclose(file);
		assert_int_equal(config_load(&config, CONFIG_READER, path, mistakes), -1);
		fclose(mistakes);
		assert_non_null(strstr(said, "UTF-16; save it as UTF-8"));
	}
}

static void the_password_is_never_printed(void **state)
{
	CLEANUP(mem_free_pointer) char *said = NULL;
	CLEANUP(mem_free_pointer) char *printed = NULL;
	struct config config;
	char text[128];

	(void)state;
	snprintf(text, sizeof(text), "database = { password_file = \"%s\"; };", secret_path);
	write_file(secret_path, "hush");
	chmod(secret_path, 0600);
	assert_int_equal(load(&config, text, &said), 0);
	assert_string_equal(config.database.password, "hush");
	printed = print(&config);
	assert_null(strstr(printed, "hush"));
	assert_non_null(strstr(printed, secret_path));
	config_release(&config);
}

static void a_password_that_others_see_is_refused(void **state)
{
	static const mode_t modes[] = {0604, 0602, 0601, 0607};
	char text[128];

	(void)state;
	snprintf(text, sizeof(text), "database = {\n password_file = \"%s\"; };", secret_path);
	write_file(secret_path, "hush");
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		CLEANUP(mem_free_pointer) char *said = NULL;
		struct config config;

		chmod(secret_path, modes[i]);
		assert_int_equal(load(&config, text, &said), -1);
		assert_non_null(strstr(said, ":2: database.password_file: other users may read"));
		assert_null(strstr(said, "hush"));
	}
}

static void check_refused(const char *password_path, const char *why)
{
	CLEANUP(mem_free_pointer) char *said = NULL;
	struct config config;
	char text[256];

	snprintf(text, sizeof(text), "database = { password_file = \"%s\"; };", password_path);
	assert_int_equal(load(&config, text, &said), -1);
	if (strstr(said, why) == NULL)
		fail_msg("%s: %s", password_path, said);
	assert_null(strstr(said, "hush"));
}

static void check_taken(const char *password_path)
{
	CLEANUP(mem_free_pointer) char *said = NULL;
	struct config config;
	char text[256];

	snprintf(text, sizeof(text), "database = { password_file = \"%s\"; };", password_path);
	if (load(&config, text, &said) != 0)
		fail_msg("%s: %s", password_path, said);
	assert_string_equal(config.database.password, "hush");
	config_release(&config);
}

/* Whoever can write the file, or put another one in its place, could say what the password is. */
static void a_password_that_others_can_replace_is_refused(void **state)
{
	char folder[] = "/tmp/test_folder_XXXXXX";
	char inner[64];
	char file[80];
	char link[80];
	char middle[64];
	char text[80];

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(inner, sizeof(inner), "%s/inner", folder);
	snprintf(file, sizeof(file), "%s/password", inner);
	snprintf(link, sizeof(link), "%s/link", folder);
	assert_int_equal(mkdir(inner, 0700), 0);
	write_file(file, "hush");
	chmod(file, 0600);
	assert_int_equal(symlink("inner/password", link), 0);
	check_taken(file);
	check_taken(link); /* as Kubernetes hands secrets over */
	chmod(file, 0440);
	check_taken(file);
	chmod(folder, 0777);
	check_refused(file, "other users may change the folder");
	check_refused(link, "other users may change the folder");
	chmod(folder, 01777); /* nobody removes what is not his */
	check_taken(file);
	chmod(folder, 0700);
	chmod(inner, 0707);
	check_refused(file, "other users may change the folder");
	check_refused(link, "other users may change the folder"); /* where it leads to */
	chmod(inner, 0700);
	/* A link that leads to a good file by another link, which others may change. */
	snprintf(middle, sizeof(middle), "%s/shared", folder);
	assert_int_equal(mkdir(middle, 0700), 0);
	unlink(link);
	assert_int_equal(symlink("shared/../shared/link", link), 0);
	snprintf(text, sizeof(text), "%s/link", middle);
	assert_int_equal(symlink("../inner//./password", text), 0);
	check_taken(link);
	chmod(middle, 0777);
	check_refused(link, "shared, and so replace the file");
	check_taken(file);
	chmod(middle, 01777);
	check_taken(link);
	unlink(text);
	rmdir(middle);
	unlink(link);
	assert_int_equal(symlink("inner/password", link), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(file, 4711, 0), 0);
		check_refused(file, "belongs to user 4711");
	}
	unlink(file);
	assert_int_equal(mkfifo(file, 0600), 0);
	check_refused(file, "is no regular file"); /* at once: nobody writes to it */
	check_refused(link, "is no regular file");
	check_refused("/dev/null", "is no regular file");
	check_refused(inner, "is not a file");
	unlink(link);
	unlink(file);
	rmdir(inner);
	rmdir(folder);
}

/* Bytes that are no text at all are not explained by their line ends. */
static void zero_bytes_are_named(void **state)
{
	static const char bytes[] = "fetch\r = \0";
	char file[] = "/tmp/test_zero_XXXXXX";
	CLEANUP(mem_free_pointer) char *said = NULL;
	size_t size;
	FILE *mistakes = open_memstream(&said, &size);
	struct config config;
	int fd = mkstemp(file);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
	close(fd);
	assert_int_equal(config_load(&config, CONFIG_READER, file, mistakes), -1);
	assert_int_equal(fclose(mistakes), 0);
	assert_non_null(strstr(said, "holds a zero byte"));
	unlink(file);
}

static void a_configuration_comes_out_of_a_pipe(void **state)
{
	CLEANUP(mem_free_pointer) char *said = NULL;
	size_t size;
	FILE *mistakes = open_memstream(&said, &size);
	struct config config;
	char name[64];
	int ends[2];
	pid_t executor;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	snprintf(name, sizeof(name), "/dev/fd/%d", ends[0]);
	executor = fork();
	if (executor == 0) {
		const struct timespec pause = {.tv_nsec = 50000000};

		/* In pieces, so that the reader finds the pipe empty. */
		nanosleep(&pause, NULL);
		(void)!write(ends[1], "reader = { na", 13);
		nanosleep(&pause, NULL);
		(void)!write(ends[1], "me = \"piped\"; };\n", 17);
		_exit(0);
	}
	close(ends[1]);
	if (config_load(&config, CONFIG_READER, name, mistakes) != 0) {
		fflush(mistakes);
		fail_msg("%s", said);
	}
	assert_string_equal(config.reader.name, "piped");
	config_release(&config);
	/* After a SIGHUP it is empty: that is no configuration of defaults. */
	assert_int_equal(config_load(&config, CONFIG_READER, name, mistakes), -1);
	assert_int_equal(fclose(mistakes), 0);
	assert_non_null(strstr(said, "nothing came out of the pipe"));
	close(ends[0]);
	waitpid(executor, NULL, 0);
}

static void a_reader_may_have_the_longest_name_of_a_host(void **state)
{
	CLEANUP(mem_free_pointer) char *said = NULL;
	CLEANUP(mem_free_pointer) char *said_longer = NULL;
	struct config config;
	char text[128];

	(void)state;
	snprintf(text, sizeof(text), "reader = { name = \"%064d\"; };", 7);
	assert_int_equal(load(&config, text, &said), 0);
	assert_int_equal(strlen(config.reader.name), 64);
	config_release(&config);
	snprintf(text, sizeof(text), "reader = { name = \"%065d\"; };", 7);
	assert_int_equal(load(&config, text, &said_longer), -1);
}

static void check_sample(enum config_program program, const char *file, const char *option)
{
	CLEANUP(mem_free_pointer) char *sample = print_sample(program);
	CLEANUP(mem_free_pointer) char *said = NULL;
	size_t size;
	FILE *mistakes = open_memstream(&said, &size);
	CLEANUP(mem_free_pointer) char *installed = NULL;
	const char *top = getenv("top_srcdir");
	char name[1024];
	bool is_public;
	struct config config;
	struct error err = ERROR_INIT;

	write_file(path, sample);
	assert_int_equal(config_load(&config, program, path, mistakes), 0);
	assert_int_equal(fclose(mistakes), 0);
	config_release(&config);
	snprintf(name, sizeof(name), "%s/etc/%s", top != NULL ? top : ".", file);
	installed = config_file_text(name, &is_public, &err);
	if (installed == NULL)
		fail_msg("%s", err.text);
	if (strcmp(installed, sample) != 0)
		fail_msg("make the sample anew: tests/unit/test_config %s > %s", option, name);
}

static void the_sample_is_the_table(void **state)
{
	(void)state;
	check_sample(CONFIG_READER, "steem-reader.conf", "--print-sample");
	check_sample(CONFIG_POSTER, "steem-poster.conf", "--print-poster-sample");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_files, remove_files)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(an_empty_file_means_the_defaults),
		TEST(all_options_arrive),
		TEST(what_is_printed_can_be_read_back),
		TEST(mistakes_are_named),
		TEST(what_can_work_is_accepted),
		TEST(an_account_has_one_signer),
		TEST(every_operation_may_be_asked_for),
		TEST(a_secret_in_a_url_is_never_shown),
		TEST(what_an_editor_leaves_in_a_password_is_named),
		TEST(a_file_in_utf16_is_named),
		TEST(numbers_in_texts_and_comments_are_no_numbers),
		TEST(all_mistakes_come_at_once),
		TEST(the_password_comes_from_its_file),
		TEST(the_password_is_never_printed),
		TEST(a_password_that_others_see_is_refused),
		TEST(a_password_that_others_can_replace_is_refused),
		TEST(zero_bytes_are_named),
		TEST(a_configuration_comes_out_of_a_pipe),
		TEST(a_reader_may_have_the_longest_name_of_a_host),
		TEST(the_sample_is_the_table),
	};

	if (argc == 2 && strcmp(argv[1], "--print-poster-sample") == 0) {
		config_print_sample(CONFIG_POSTER, stdout);
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "--print-sample") == 0) {
		config_print_sample(CONFIG_READER, stdout);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
