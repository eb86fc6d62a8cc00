import { Argument, type Command } from 'commander';
import type { Terminal } from './terminal.ts';

const scripts: Readonly<Record<string, string>> = {
  bash: `_tenantry() {
  local IFS=$'\\n'
  COMPREPLY=($(tenantry __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _tenantry tenantry`,
  zsh: `#compdef tenantry
_tenantry() {
  local -a found
  found=("\${(@f)$(tenantry __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  [[ -n "$found" ]] && compadd -a found || _files
}
compdef _tenantry tenantry`,
  fish: `complete -c tenantry -f -a '(tenantry __complete (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'`,
};

/** The word behind which a shell asks what the last of its words may become. */
const asking = '__complete';

/** `tenantry completion <shell>`: prints what a shell needs to complete words. */
export function completion(program: Command, terminal: Terminal): void {
  program
    .command('completion')
    .description('print a script that lets a shell complete words, such as: source <(tenantry completion bash)')
    .addArgument(new Argument('<shell>').choices(Object.keys(scripts)))
    .action((shell: string) => terminal.out(scripts[shell] ?? ''));
}

/**
 * What the last of the words of a shell may become: commands of the group that the others name, options, or what the
 * command takes; nothing when the words are no such question. They are half written, so nobody else may take them for
 * options.
 */
export function completionsOf(program: Command, [first, ...words]: readonly string[]): readonly string[] | undefined {
  if (first !== asking) return undefined;
  const last = words.at(-1) ?? '';
  let command = program;
  for (const word of words.slice(0, -1)) {
    command = command.commands.find((one) => one.name() === word) ?? command;
  }
  const names = command.commands.map((one) => one.name());
  const choices = command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []);
  const options = command.options.flatMap(({ long }) => long ?? []);
  const candidates = last.startsWith('-') ? [...options, '--help'] : [...names, ...choices];
  return candidates.filter((name) => name.startsWith(last)).toSorted();
}
