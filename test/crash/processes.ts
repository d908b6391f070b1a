import fs from 'node:fs';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';

// The processes of one browser, found by its profile and never by a program's name: another browser may be at work beside it.

interface Process {
  pid: number;
  parent: number;
  /** Whose number is that of the browser's first process, as long as one of it is left. */
  session: number;
  /** Dead, and not yet taken note of by its parent. */
  zombie: boolean;
  command: string;
}

function all(): Process[] {
  const found: Process[] = [];
  for (const name of fs.readdirSync('/proc')) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    try {
      const command = fs.readFileSync(`/proc/${name}/cmdline`, 'utf8');
      const stat = fs.readFileSync(`/proc/${name}/stat`, 'utf8');
      // The program's name, in parentheses, may have spaces of its own.
      const [state, parent, , session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const pid = Number(name);
      found.push({ pid, parent: Number(parent), session: Number(session), zombie: state === 'Z', command });
    } catch {} // it ended meanwhile
  }
  return found;
}

/** The processes that name the profile on their command line, and all that they started: Firefox's content processes name none. */
export function processesOf(profile: string): number[] {
  const running = all().filter((p) => !p.zombie);
  const found = new Set(running.filter((p) => p.command.includes(profile)).map((p) => p.pid));
  for (let size = 0; size < found.size; ) {
    size = found.size;
    for (const p of running) if (found.has(p.parent)) found.add(p.pid);
  }
  return [...found];
}

export function kill(pids: number[]): void {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {} // it ended with its parent
  }
}

/** Kills what is left of a browser whose processes were killed, waits until all are gone, and takes its locks away. */
export async function gone(profile: string, killed: number[]): Promise<void> {
  const alive = () =>
    all()
      .filter((p) => !p.zombie)
      .filter((p) => p.command.includes(profile) || killed.includes(p.pid) || killed.includes(p.session))
      .map((p) => p.pid);
  // Nothing tells of the end of a process that is not one's own child.
  for (let left = alive(); left.length > 0; left = alive()) {
    kill(left);
    await setTimeout(5);
  }
  // A lock names the process that made it, and that number may be another's by now.
  for (const lock of ['SingletonLock', 'SingletonSocket', 'SingletonCookie', 'lock', '.parentlock'])
    fs.rmSync(path.join(profile, lock), { force: true });
}
