/* SPDX-License-Identifier: MIT */
#include "daemon/config_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "daemon/config_impl.h"

#define IN_CONFIG(member) offsetof(struct config, member)
#define IN_RULE(member)   offsetof(struct filter_rule, member)
#define NOWHERE           SIZE_MAX

static const char *const default_nodes[] = {"https://api.steemit.com", "https://api.justyy.com"};
static const char *const default_hosts[] = {"127.0.0.1:3306"};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* In the order of their enums. */
static const char *const tls_choices[] = {"off", "preferred", "required", "verify", NULL};
static const char *const follow_choices[] = {"irreversible", "head", NULL};
static const char *const chain_choices[] = {"steem", "testnet", NULL};
static const char *const proof_choices[] = {"off", "content", "signed", NULL};

/* How long the database may take; not options, since nobody could choose them better. */
#define CONNECT_TIMEOUT_MS 5000
#define IO_TIMEOUT_MS      30000

/* clang-format off */
const struct option_row option_rows[] = {
	{NULL, "nodes", OPTION_NODES, NOWHERE, NULL, 1, 64, true,
	 .programs = CONFIG_BOTH,
	 .help = "Steem nodes (http or https), any number; the healthiest are asked.",
	 .check = config_check_url},
	{"database", "hosts", OPTION_HOSTS, NOWHERE, NULL, 1, 32, false,
	 .programs = CONFIG_BOTH,
	 .help = "Database servers, tried in this order: \"host:port\", \"[v6]:port\", or the path of a\n"
	 "Unix socket.",
	 .check = config_check_host},
	{"database", "user", OPTION_TEXT, IN_CONFIG(database.user), "steem_reader", 1, 80, false,
	 .help = "The reader's user in the database."},
	{"database", "user", OPTION_TEXT, IN_CONFIG(database.user), "steem_poster", 1, 80, false,
	 .programs = CONFIG_POSTER,
	 .help = "The poster's user in the database; sql/grants.sql gives it the rights that it needs."},
	{"database", "password_file", OPTION_TEXT, IN_CONFIG(password_file), "", 0, 4096, false,
	 .programs = CONFIG_BOTH,
	 .help = "A file that holds the user's password, such as \"/etc/steem-reader/password\"; others\n"
	 "may not read it. \"\" or an empty file: no password."},
	{"database", "name", OPTION_TEXT, IN_CONFIG(database.name), "steem", 1, 64, false,
	 .programs = CONFIG_BOTH,
	 .help = "The database that holds the tables."},
	{"database", "tls", OPTION_CHOICE, IN_CONFIG(database.tls), "preferred", 0, 0, false,
	 .programs = CONFIG_BOTH,
	 .help = "Whether connections by TCP are encrypted. preferred: if the server offers it; required:\n"
	 "always; verify: always, and the server's certificate must be valid for its name in hosts.\n"
	 "Only verify protects against a false server.",
	 .choices = tls_choices},
	{"database", "tls_ca", OPTION_TEXT, IN_CONFIG(database.tls_ca), "", 0, 4096, false,
	 .programs = CONFIG_BOTH,
	 .help = "A PEM file with the certificate authorities to trust, for tls = \"verify\".\n"
	 "\"\": those of the system."},
	{"database", "reveal_password", OPTION_BOOL, IN_CONFIG(database.reveal_password), "false", 0, 0,
	 false,
	 .programs = CONFIG_BOTH,
	 .help = "Whether the password itself may be sent to a server that tls = \"verify\" has not proved.\n"
	 "PAM and MySQL's caching_sha2_password need it. A false server then gets the password."},
	{"reader", "name", OPTION_TEXT, IN_CONFIG(reader.name), "", 0, 64, false,
	 .help = "Name of this reader; no other reader may have it. \"\": the name of the host.",
	 .check = config_check_reader_name},
	{"reader", "start_block", OPTION_UINT, IN_CONFIG(reader.start_block), "0", 0, UINT32_MAX, false,
	 .help = "First block wanted. 0: on an empty database the newest irreversible one, later no\n"
	 "change. Above 2147483647 write it with an L at its end."},
	{"reader", "follow", OPTION_CHOICE, IN_CONFIG(reader.follow), "irreversible", 0, 0, false,
	 .help = "Which blocks are stored. head: also reversible ones, as soon as a node has them; some of\n"
	 "them are taken back (table orphans).",
	 .choices = follow_choices},
	{"reader", "chain", OPTION_CHOICE, IN_CONFIG(reader.chain), "steem", 0, 0, false,
	 .help = "Which chain the nodes serve. testnet: a test network with the values of steemd's own.",
	 .choices = chain_choices},
	{"reader", "checkpoint", OPTION_TEXT, IN_CONFIG(reader.checkpoint), "", 0, 60, false,
	 .help = "A block that the chain must hold, as \"NUMBER:ID\". While nothing is stored, a node that\n"
	 "gives another one is not used. \"\": the chain's first block, if it is known. \"none\": no check.",
	 .check = config_check_checkpoint},
	{"reader", "proof", OPTION_CHOICE, IN_CONFIG(reader.proof), "signed", 0, 0, false,
	 .help = "What a block must prove before it is stored. content: its operations are those that its\n"
	 "id stands for, by its hashes. signed: they also bear the signatures of their\n"
	 "witnesses, or link up to blocks that do. off: nothing, it is what the node says.",
	 .choices = proof_choices},
	{"reader", "virtual_operations", OPTION_BOOL, IN_CONFIG(filter.virtual_operations), "false", 0,
	 0, false,
	 .help = "Whether virtual operations (rewards, filled orders...) are stored too. It belongs to the\n"
	 "database, as the filter does: after a change run steem-reader --activate-filter."},
	{"reader", "unverified_virtual", OPTION_BOOL, IN_CONFIG(reader.unverified_virtual), "false", 0,
	 0, false,
	 .help = "Whether a block may be stored though no node gives all of its virtual operations, as far\n"
	 "as can be told. Its virtual_state is then unverified. false: it stays a gap."},
	{"reader", "stall_s", OPTION_UINT, IN_CONFIG(reader.stall_s), "120", 1, 86400, false,
	 .help = "After this many seconds without progress the reader says so. The watchdog of systemd, which\n"
	 "is fed by progress only, should have a longer time."},
	{NULL, "filter", OPTION_FILTER, NOWHERE, NULL, 0, 1000, false,
	 .help = "Which operations are stored: those that any rule keeps. No rules: every operation.\n"
	 "All conditions of a rule must hold. Rules belong to the database: after a change run\n"
	 "steem-reader --activate-filter."},
	{"fetch", "connections", OPTION_UINT, IN_CONFIG(fetch.connections), "8", 1, 64, true,
	 .help = "Requests under way at once, over all nodes."},
	{"fetch", "batch_size", OPTION_UINT, IN_CONFIG(fetch.batch_size), "50", 1, 1000, true,
	 .help = "The most blocks in one request; fewer if the node accepts fewer."},
	{"fetch", "timeout_ms", OPTION_UINT, IN_CONFIG(fetch.timeout_ms), "10000", 100, 600000, true,
	 .help = "Longest time for one request, in milliseconds."},
	{"fetch", "max_memory_mib", OPTION_UINT, IN_CONFIG(fetch.max_memory_mib), "128", 16, 65536, true,
	 .help = "Most memory for blocks on their way from the nodes to the database, in MiB."},
	{"fetch", "rate_limit", OPTION_UINT, IN_CONFIG(fetch.rate_limit), "0", 0, 10000, true,
	 .help = "Most requests in any second to one node. 0: as many as it answers."},
	{"write", "connections", OPTION_UINT, IN_CONFIG(write.connections), "2", 1, 32, false,
	 .help = "Connections to the database that write."},
	{"write", "batch_rows", OPTION_UINT, IN_CONFIG(write.batch_rows), "3000", 1, 100000, false,
	 .help = "Rows in one transaction, about."},
	{"write", "batch_kib", OPTION_UINT, IN_CONFIG(write.batch_kib), "1024", 1, 65536, false,
	 .help = "Size of one transaction in KiB, about."},
	{"replay", "before_tail", OPTION_UINT, IN_CONFIG(replay.before_tail), "201600", 0, UINT32_MAX,
	 false,
	 .help = "Holes at most this many blocks below the tip are filled before the tail starts, deeper\n"
	 "ones beside it (201600: a week). 0: everything first."},
	{"replay", "scan_interval_s", OPTION_UINT, IN_CONFIG(replay.scan_interval_s), "60", 1, 86400,
	 false,
	 .help = "Seconds between two looks for new holes."},
	{"replay", "full_scan_h", OPTION_UINT, IN_CONFIG(replay.full_scan_h), "24", 1, 8760, false,
	 .help = "Hours between two scans of the whole table."},
	{"queue", "max_age_s", OPTION_UINT, IN_CONFIG(queue.max_age_s), "0", 0, UINT32_MAX, false,
	 .help = "If an operation is read more than this many seconds after its block, no bot gets it: its\n"
	 "delivery counts as failed, and can be queued again. 0: no limit."},
	{"queue", "keep_days", OPTION_UINT, IN_CONFIG(queue.keep_days), "0", 0, 36500, false,
	 .help = "A running reader removes finished deliveries, and their operations, after this many days,\n"
	 "while the clocks of the database server and of this host agree. 0: never."},
	{"poster", "name", OPTION_TEXT, IN_CONFIG(poster.name), "", 0, 64, false,
	 .programs = CONFIG_POSTER,
	 .help = "Name of this poster in the tables. \"\": HOST/PID."},
	{"poster", "chain", OPTION_CHOICE, IN_CONFIG(poster.chain), "steem", 0, 0, false,
	 .programs = CONFIG_POSTER,
	 .help = "The chain that is signed for. testnet: a test network with the values of steemd's own.",
	 .choices = chain_choices},
	{"poster", "poll_ms", OPTION_UINT, IN_CONFIG(poster.poll_ms), "50", 10, 60000, false,
	 .programs = CONFIG_POSTER,
	 .help = "The time between two looks for something to sign, in milliseconds."},
	{NULL, "accounts", OPTION_ACCOUNTS, NOWHERE, NULL, 0, 2000, false,
	 .programs = CONFIG_POSTER,
	 .help = "The accounts that are signed for, and what their keys may sign. What passes a limit is\n"
	 "held: never sent by itself."},
	{"metrics", "listen", OPTION_TEXT, IN_CONFIG(metrics_listen), "", 0, 60, false,
	 .programs = CONFIG_BOTH,
	 .help = "Where the running program serves /metrics, /healthz and /readyz, such as\n"
	 "\"127.0.0.1:9753\"; whoever reaches the address may read them. \"\": nowhere.",
	 .check = config_check_listen},
	{"log", "level", OPTION_LEVEL, IN_CONFIG(log_level), "info", 0, 0, true,
	 .programs = CONFIG_BOTH,
	 .help = "How much is logged: error, warning, info or debug."},
};
const size_t option_row_count = COUNT(option_rows);

const struct filter_row filter_rows[] = {
	{"name", IN_RULE(name), 64, .help = "for people; no condition"},
	{"operation", SIZE_MAX, 72, .help = "name of the operation, or a list of names"},
	{"account", IN_RULE(account), 16, .help = "an account that the operation names in any place",
	 .check = config_check_account},
	{"body_prefix", IN_RULE(body_prefix), 1024, .help = "the body begins so"},
	{"body_contains", IN_RULE(body_contains), 1024, .help = "the body holds this"},
	{"memo_prefix", IN_RULE(memo_prefix), 1024, .help = "the memo begins so"},
	{"id", IN_RULE(id), 32, .help = "the id of a custom_json"},
	{"queue", IN_RULE(queue), 32, .help = "what the rule keeps is also put into this queue, for bots",
	 .check = config_check_queue},
};
const size_t filter_row_count = COUNT(filter_rows);

const struct account_row account_rows[] = {
	{"name", .help = "the account"},
	{"authority", .help = "of the key: \"posting\" or \"active\"; an account may have an entry for each"},
	{"key_file", .help = "a file that holds the private key (WIF); others may not read it"},
	{"signer", .help = "\"file\": the key is in key_file; \"command\": another program signs (\"file\")"},
	{"command", .help = "that program and its arguments: ( \"/usr/local/bin/sign\", \"posting\" )"},
	{"public_key", .help = "the key that the command signs with: \"STM...\""},
	{"timeout_s", .help = "the most seconds that one signature of the command may take: 1 to 30 (5)"},
	{"allow", .help = "names of operations; none: all that need posting (active needs a list)"},
	{"max_per_day", .help = "transactions a day (UTC, by block time)"},
	{"max_amount_per_day", .help = "amounts a day, such as ( \"10.000 STEEM\" ); others: nothing"},
	{"only_to", .help = "other accounts that an operation may name"},
};
const size_t account_row_count = COUNT(account_rows);
/* clang-format on */

static char **copy_list(const char *const *texts, size_t count)
{
	char **list = xcalloc(count, sizeof(*list));

	for (size_t i = 0; i < count; i++)
		list[i] = xstrdup(texts[i]);
	return list;
}

static void set_default(struct config *config, const struct option_row *row)
{
	char *place = (char *)config + (row->offset != NOWHERE ? row->offset : 0);
	char *text;
	uint32_t number;
	enum log_level level = LOG_LEVEL_INFO;
	int choice = 0;
	bool is_set;

	switch (row->type) {
	case OPTION_TEXT:
		text = xstrdup(row->fallback);
		memcpy(place, &text, sizeof(text));
		break;
	case OPTION_UINT:
		number = (uint32_t)strtoul(row->fallback, NULL, 10);
		memcpy(place, &number, sizeof(number));
		break;
	case OPTION_BOOL:
		is_set = strcmp(row->fallback, "true") == 0;
		memcpy(place, &is_set, sizeof(is_set));
		break;
	case OPTION_LEVEL:
		if (log_level_parse(row->fallback, &level) != 0)
			abort(); /* the table above is wrong */
		memcpy(place, &level, sizeof(level));
		break;
	case OPTION_CHOICE:
		while (strcmp(row->choices[choice], row->fallback) != 0)
			choice++;
		memcpy(place, &choice, sizeof(choice));
		break;
	case OPTION_NODES:
		config->nodes.count = COUNT(default_nodes);
		config->nodes.urls = copy_list(default_nodes, COUNT(default_nodes));
		break;
	case OPTION_HOSTS:
		config->database.host_count = COUNT(default_hosts);
		config->database.hosts = copy_list(default_hosts, COUNT(default_hosts));
		break;
	case OPTION_FILTER:
	case OPTION_ACCOUNTS:
		break;
	}
}

bool config_row_is_for(const struct option_row *row, enum config_program program)
{
	return ((row->programs != 0 ? row->programs : CONFIG_READER) & (unsigned)program) != 0;
}

void config_set_defaults(struct config *config, enum config_program program)
{
	*config = (struct config){.program = program, .log_level = LOG_LEVEL_INFO};
	for (size_t i = 0; i < option_row_count; i++)
		if (config_row_is_for(&option_rows[i], program))
			set_default(config, &option_rows[i]);
	config->database.connect_timeout_ms = CONNECT_TIMEOUT_MS;
	config->database.io_timeout_ms = IO_TIMEOUT_MS;
}

void config_release(struct config *config)
{
	for (size_t i = 0; i < config->nodes.count; i++)
		free(config->nodes.urls[i]);
	free(config->nodes.urls);
	for (size_t i = 0; i < config->database.host_count; i++)
		free(config->database.hosts[i]);
	free(config->database.hosts);
	free(config->database.user);
	if (config->database.password != NULL)
		explicit_bzero(config->database.password, strlen(config->database.password));
	free(config->database.password);
	free(config->database.name);
	free(config->database.tls_ca);
	free(config->password_file);
	free(config->reader.name);
	free(config->reader.checkpoint);
	free(config->poster.name);
	config_release_accounts(config);
	free(config->metrics_listen);
	filter_release(&config->filter);
	*config = (struct config){.log_level = LOG_LEVEL_INFO};
}
