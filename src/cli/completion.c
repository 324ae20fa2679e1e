/* SPDX-License-Identifier: Apache-2.0 */
/*
 * migctl completion: prints what a shell runs to complete our command lines. The scripts know no
 * command: they ask `migctl --complete` (cli/complete.h), so that they are never older than the
 * program.
 */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"

static const char bash_script[] =
	"# bash completion of migctl; printed by 'migctl completion bash'\n"
	"_migctl()\n"
	"{\n"
	"\tlocal line=${COMP_LINE:0:COMP_POINT} current prefix='' candidate files='' mark head=''\n"
	"\tlocal -a words\n"
	"\n"
	"\t# By blanks: COMP_WORDS is also cut at '=' and ':'.\n"
	"\tread -r -a words <<<\"$line\"\n"
	"\t[[ $line == *[[:space:]] ]] && words+=('')\n"
	"\tcurrent=${words[${#words[@]}-1]}\n"
	"\t# What readline takes for the word begins behind the last of its separators, or with an "
	"'@'.\n"
	"\tfor mark in = : @; do\n"
	"\t\t[[ $COMP_WORDBREAKS == *\"$mark\"* && $current == *\"$mark\"* ]] || continue\n"
	"\t\thead=${current%\"$mark\"*}\n"
	"\t\t[[ $mark == @ ]] || head+=$mark\n"
	"\t\t(( ${#head} > ${#prefix} )) && prefix=$head\n"
	"\tdone\n"
	"\tCOMPREPLY=()\n"
	"\twhile IFS= read -r candidate; do\n"
	"\t\tif [[ $candidate == :file ]]; then\n"
	"\t\t\tfiles=1\n"
	"\t\t\tcontinue\n"
	"\t\tfi\n"
	"\t\tcandidate=${candidate%%$'\\t'*}\n"
	"\t\t[[ $candidate == \"$current\"* ]] && COMPREPLY+=(\"${candidate#\"$prefix\"}\")\n"
	"\tdone < <(\"$1\" --complete line -- \"${words[@]:1}\" 2>/dev/null)\n"
	"\tif [[ $files ]]; then\n"
	"\t\tcompopt -o filenames 2>/dev/null\n"
	"\t\thead=''\n"
	"\t\t[[ $current == --*=* ]] && head=${current%%=*}=\n"
	"\t\twhile IFS= read -r candidate; do\n"
	"\t\t\tcandidate=$head$candidate\n"
	"\t\t\tCOMPREPLY+=(\"${candidate#\"$prefix\"}\")\n"
	"\t\tdone < <(compgen -f -- \"${current#\"$head\"}\")\n"
	"\tfi\n"
	"\t[[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[=:] ]] && compopt -o nospace "
	"2>/dev/null\n"
	"\treturn 0\n"
	"}\n"
	"complete -F _migctl migctl\n";

static const char zsh_script[] =
	"#compdef migctl\n"
	"# zsh completion of migctl; printed by 'migctl completion zsh'\n"
	"_migctl()\n"
	"{\n"
	"\tlocal line value files=''\n"
	"\tlocal -a lines values shown open\n"
	"\n"
	"\tlines=(${(f)\"$(\"${(Q)words[1]}\" --complete line -- \"${(@Q)words[2,CURRENT]}\" "
	"2>/dev/null)\"})\n"
	"\tfor line in $lines; do\n"
	"\t\tif [[ $line == :file ]]; then\n"
	"\t\t\tfiles=1\n"
	"\t\t\tcontinue\n"
	"\t\tfi\n"
	"\t\tvalue=${line%%$'\\t'*}\n"
	"\t\tif [[ $value == *[=:] ]]; then\n"
	"\t\t\topen+=(\"$value\")\n"
	"\t\t\tcontinue\n"
	"\t\tfi\n"
	"\t\tvalues+=(\"$value\")\n"
	"\t\tshown+=(\"${line/$'\\t'/  -- }\")\n"
	"\tdone\n"
	"\t(( $#values )) && compadd -l -d shown -a values\n"
	"\t(( $#open )) && compadd -S '' -a open\n"
	"\tif [[ -n $files ]]; then\n"
	"\t\tcompset -P '*='\n"
	"\t\t_files\n"
	"\tfi\n"
	"\treturn 0\n"
	"}\n"
	"if [[ $funcstack[1] == _migctl ]]; then\n"
	"\t_migctl \"$@\"\n"
	"else\n"
	"\tcompdef _migctl migctl\n"
	"fi\n";

static const char fish_script[] =
	"# fish completion of migctl; printed by 'migctl completion fish'\n"
	"function __migctl_complete\n"
	"\tset -l words (commandline -opc)\n"
	"\tset -l current (commandline -ct)\n"
	"\tfor line in ($words[1] --complete line -- $words[2..-1] \"$current\" 2>/dev/null)\n"
	"\t\tif test \"$line\" = :file\n"
	"\t\t\t__fish_complete_path \"$current\"\n"
	"\t\telse\n"
	"\t\t\techo $line\n"
	"\t\tend\n"
	"\tend\n"
	"end\n"
	"complete -c migctl -f -a '(__migctl_complete)'\n";

static const struct {
	const char *shell, *script;
} scripts[] = {{"bash", bash_script}, {"zsh", zsh_script}, {"fish", fish_script}};

int mig_cmd_completion_run(const struct mig_invocation *inv, struct mig_error **err)
{
	for (size_t i = 0; i < MIG_ARRAY_SIZE(scripts); i++) {
		if (strcmp(inv->args[0], scripts[i].shell) != 0)
			continue;
		fputs(scripts[i].script, stdout);
		return MIG_EXIT_OK;
	}
	mig_error_set(err, MIG_ERROR_USAGE, "there is no completion for the shell '%s'",
		      inv->args[0]);
	return mig_error_hint(err, "bash, zsh and fish have one");
}
