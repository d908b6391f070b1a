import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** A program, with all that it started. */
export interface Group {
  /** Its fourth stream is for what the program tells of itself. */
  shell: ChildProcess;
  end(): Promise<void>;
}

/**
 * Starts a program in a process group of its own, which ends when it is told to, or when this process ends, in whatever way: the
 * shell waits for the end of its own input, and then kills them all.
 */
export function startGroup(program: string, args: string[], env: NodeJS.ProcessEnv = {}): Group {
  const script = '"$@" & exec 3>&-; cat >/dev/null; kill -KILL 0';
  const shell = spawn('sh', ['-c', script, 'sh', program, ...args], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...env },
  });
  const ended = once(shell, 'exit');
  return {
    shell,
    async end() {
      shell.stdin?.end();
      await ended;
    },
  };
}
