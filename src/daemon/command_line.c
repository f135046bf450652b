/* SPDX-License-Identifier: MIT */
#include "daemon/command_line.h"

#include <stdio.h>
#include <string.h>

#include "daemon/notify.h"

void command_line_init(struct command_line *line, const struct command_line_program *program)
{
	*line = (struct command_line){.program = program, .config_path = program->config_path};
	optind = 0; /* the GNU library starts again, for a second command line in one process */
}

/*
 * A script with Windows line ends passes a CR, which is invisible in a message that something with
 * this name does not exist.  The arguments of a command are its own.
 */
static int refuse_line_ends(const struct command_line *line, int argc, char *const *argv,
			    struct error *err)
{
	int count = line->program->takes_command && optind < argc ? optind + 1 : argc;

	for (int i = 1; i < count; i++) {
		size_t len = strlen(argv[i]);

		if (len > 0 && argv[i][len - 1] == '\r')
			return error_set(
				err, ERROR_CONFIG,
				"the argument '%.*s' ends with a carriage return (CR); save the "
				"file that it comes from with Unix line ends",
				(int)(len - 1), argv[i]);
	}
	return 0;
}

static const char *option_name(const struct option *option, int id)
{
	while (option->val != id)
		option++;
	return option->name;
}

/* Two different actions contradict each other. */
static int take_action(struct command_line *line, int id, struct error *err)
{
	int action = id - COMMAND_LINE_ACTION;

	if (line->action != 0 && line->action != action)
		return error_set(err, ERROR_CONFIG, "--%s does not go with another action" SEE_HELP,
				 option_name(line->program->options, id));
	line->action = action;
	return 0;
}

static int take_log_level(struct command_line *line, struct error *err)
{
	line->has_log_level = true;
	if (log_level_parse(optarg, &line->log_level) == 0)
		return 0;
	return error_set(err, ERROR_CONFIG,
			 "--log-level %s: allowed are error, warning, info and debug" SEE_HELP,
			 optarg);
}

int command_line_next(struct command_line *line, int argc, char **argv, struct error *err)
{
	const struct command_line_program *program = line->program;
	/* '+': what follows the first word that is no option is not looked at. */
	const char *letters = program->takes_command ? "+:c:" : ":c:";

	for (;;) {
		int id = getopt_long(argc, argv, letters, program->options, NULL);

		if (refuse_line_ends(line, argc, argv, err) < 0)
			return -1;
		switch (id) {
		case -1:
			if (optind < argc && !program->takes_command)
				return error_set(err, ERROR_CONFIG,
						 "'%s' is not an option" SEE_HELP, argv[optind]);
			return COMMAND_LINE_END;
		case ':':
			return error_set(err, ERROR_CONFIG, "%s needs a value" SEE_HELP,
					 argv[optind - 1]);
		case '?':
			return error_set(err, ERROR_CONFIG, "%s is not an option" SEE_HELP,
					 argv[optind - 1]);
		case COMMAND_LINE_HELP:
			line->answer = program->help;
			return COMMAND_LINE_END;
		case COMMAND_LINE_VERSION:
			line->answer = program->version;
			return COMMAND_LINE_END;
		case COMMAND_LINE_CONFIG:
			line->config_path = optarg;
			break;
		case COMMAND_LINE_LOG_LEVEL:
			if (take_log_level(line, err) < 0)
				return -1;
			break;
		default:
			if (id > COMMAND_LINE_ACTION && take_action(line, id, err) < 0)
				return -1;
			return id;
		}
	}
}

/* Configuration. */

static void set_log_level(const struct command_line *line, const struct config *config)
{
	log_set_level(line->has_log_level ? line->log_level : config->log_level);
}

int command_line_load_config(const struct command_line *line, struct config *config)
{
	if (config_load(config, line->program->config, line->config_path, stderr) < 0)
		return -1;
	set_log_level(line, config);
	return 0;
}

int command_line_reload_config(const struct command_line *line, struct config *config,
			       const char *stays)
{
	notify_reloading();
	if (config_reload(config, line->program->config, line->config_path) < 0) {
		log_error("reload_refused", "%s has mistakes; the old %s", line->config_path,
			  stays);
		return -1;
	}
	set_log_level(line, config);
	return 0;
}

void command_line_reload_log_level(const struct command_line *line)
{
	struct config config;

	if (command_line_reload_config(line, &config, "log level stays") == 0) {
		log_info("reloaded", "the log level is taken from %s; other changes need a restart",
			 line->config_path);
		config_release(&config);
	}
	notify_ready();
}
