import type { DataClassification } from './classification.ts';
import { securityEvents } from './internal.ts';
import type { RotationStatus } from './rotation.ts';

/** The events of the audit log, and of `security`. Those from `expired` on are told, and not written down. */
export type SecurityEventType =
  | 'created'
  | 'unlocked'
  | 'unlock-failed'
  | 'locked'
  | 'secret-changed'
  | 'slot-added'
  | 'slot-removed'
  | 'rotation-begun'
  | 'rotation-verified'
  | 'rollback-begun'
  | 'rotation-committed'
  | 'rotation-rolled-back'
  | 'integrity'
  | 'key-mismatch'
  | 'quota'
  | 'forgotten'
  | 'log-restarted'
  | 'expired'
  | 'evicted'
  | 'records-evicted'
  | 'rotation-due';

/** A line of the audit log. It names no record and no user. */
export interface AuditLine {
  /** Its number; the first of all is 1. */
  seq: number;
  at: Date;
  event: SecurityEventType;
  /** The epoch that records were written under; 0 for what happened while the vault was locked. */
  epoch: number;
  /** How often it happened, or to how many. */
  count: number;
}

/** What the audit log holds. */
export interface AuditLog {
  lines: AuditLine[];
  /** Whether the check found no line removed, moved, changed or cut off. A replay of the whole log, its head included, it can't find. */
  intact: boolean;
}

/** The age of the keys that a class is written under. */
export interface KeyAge {
  createdAt: Date;
  ageDays: number;
  /** Encryptions that were made, or reserved, under the key: each record counts as two, and they are reserved by 16,384. */
  writes: number;
  /** When the key is due for a rotation, by its age or by its writes. */
  dueAt: Date;
}

/** What is known of the keys of a vault. */
export interface KeyStatus {
  /** That records are written under. */
  epoch: number;
  rotation: RotationStatus;
  /** Whether the key of a class is due for a rotation. */
  due: boolean;
  /** A class that was forgotten, and not written since, has no keys. */
  classes: Partial<Record<DataClassification, KeyAge>>;
}

/** Takes lines, in their order, and resolves when they are kept elsewhere. */
export type AuditSink = (lines: AuditLine[]) => void | Promise<void>;

const day = 24 * 60 * 60 * 1000;

/** Milliseconds until a sink that failed is given the same lines again. */
const retry = 5000;

export function keyStatusOf([epoch, ...rest]: unknown[], rotation: RotationStatus): KeyStatus {
  const status: KeyStatus = { epoch: epoch as number, rotation, due: false, classes: {} };
  for (let i = 0; i < rest.length; i += 4) {
    const [name, created, writes, due] = rest.slice(i, i + 4) as [DataClassification, number, number, number];
    const ageDays = Math.floor((Date.now() - created * 1000) / day);
    status.classes[name] = { createdAt: new Date(created * 1000), ageDays, writes, dueAt: new Date(due * 1000) };
    status.due ||= due * 1000 <= Date.now();
  }
  return status;
}

export function auditLogOf([intact, first, ...rest]: unknown[]): AuditLog {
  const lines: AuditLine[] = [];
  for (let i = 0; i < rest.length; i += 4) {
    const [event, epoch, at, count] = rest.slice(i, i + 4) as [SecurityEventType, number, number, number];
    lines.push({ seq: (first as number) + i / 4, at: new Date(at * 1000), event, epoch, count });
  }
  return { lines, intact: intact as boolean };
}

/** Gives a sink the lines from `since` on, and then new ones as they come. Returns what ends that. */
export function sendAudit(
  database: string,
  read: (since: number) => Promise<AuditLog>,
  sink: AuditSink,
  since: number,
): () => void {
  let next = since;
  let ended = false;
  let busy = false;
  let again = false;
  const send = async (): Promise<void> => {
    again = true;
    if (busy) return;
    busy = true;
    while (again && !ended) {
      again = false;
      try {
        const { lines } = await read(next);
        if (lines.length > 0) await sink(lines);
        next = (lines.at(-1)?.seq ?? next - 1) + 1;
      } catch {
        setTimeout(send, retry); // locked, or a server that does not answer
        break;
      }
    }
    busy = false;
  };
  const told = (event: Event) => {
    if ((event as CustomEvent<{ database: string }>).detail.database === database) setTimeout(send, 100); // once it is written
  };
  securityEvents.addEventListener('security', told);
  void send();
  return () => {
    ended = true;
    securityEvents.removeEventListener('security', told);
  };
}
