import type { Command } from 'commander';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

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

/** `tenantry completion <shell>`: prints what a shell needs to complete words. */
export function completion(program: Command, terminal: Terminal): void {
  program
    .command('completion')
    .description('print a script that lets a shell complete words, such as: source <(tenantry completion bash)')
    .argument('<shell>', Object.keys(scripts).join(', '))
    .action((shell: string) => {
      const script = scripts[shell];
      if (script === undefined)
        throw new UsageError(`there is a script for ${Object.keys(scripts).join(', ')}; not for "${shell}"`);
      terminal.out(script);
    });
  program
    .command('__complete', { hidden: true })
    .argument('[words...]')
    .allowUnknownOption()
    .action((words: string[]) => terminal.out(completionsOf(program, words).join('\n')));
}

/** What the last of some words may become: commands of the group that the others name, or options. */
function completionsOf(program: Command, words: readonly string[]): string[] {
  const last = words.at(-1) ?? '';
  let command = program;
  for (const word of words.slice(0, -1)) {
    command = command.commands.find((one) => one.name() === word) ?? command;
  }
  const names = command.commands.map((one) => one.name()).filter((name) => !name.startsWith('_'));
  const options = command.options.flatMap(({ long }) => long ?? []);
  return (last.startsWith('-') ? [...options, '--help'] : names).filter((name) => name.startsWith(last)).toSorted();
}
