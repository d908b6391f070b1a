// What of the Go runtime never runs in a page, and what is left of it.
import { Reader, unsigned } from './leb.mjs';

// By what their names in the runtime begin with.
const inRuntime = [
  // runtime/trace
  'trace(Acquire|Advance|Buf|Event|Locker|ReadCPU|Register|Stack|StopReadCPU|SyncBatch|Writer)',
  '\\(\\*trace(Buf|Map|Region|Sched|Stack|String|Type)|makeTraceFrame|startPCForTrace|dump(Stacks|Types)Rec',
  'fpunwindExpand|goStatusToTraceGoStatus',
  // runtime/pprof
  '\\(\\*profBuf\\)|(do|try)RecordGoroutineProfile|saveg$|save[bB]lock|blockevent',
  // settings of GODEBUG
  'schedtrace|checkFinalizers|printScavTrace|(set|run|start)Checkmark|(pre|post)MallocgcDebug|(set|get|clear)CleanupContext',
  'setTinyBlockContext|fmtNSAsMS',
  // what is printed of a program that ends, behind the reason
  'gcDumpObject|hexdump|\\(\\*hexdumper\\)|traceback(1|2|some|Hexdump)|goroutineheader|printArgs|printAncestor',
  'printcreatedby|print(One)?CgoTraceback|expandCgoFrames|showf|printFuncName|funcNamePieces|dumpgstatus|badPointer',
  '\\(\\*mspan\\)\\.reportZombies|\\(\\*Frames\\)|printanycustomtype|printcomplex|printfloat',
];
const unreached = new RegExp(
  `^(runtime\\.(${inRuntime.join('|')})|internal/strconv\\.(\\(\\*decimal\\)|dbox|fixedFtoa|genericFtoa|bigFtoa|fmt[A-Z]))`,
);

const trap = Buffer.from([0, 0, 0x0b]); // no local variables; unreachable; end

/**
 * Returns the code section without the bodies of the functions that serve Go's tracer, its profilers, settings of GODEBUG and the
 * stack traces of a program that ends, and the numbers of those functions. A page has none of these. What is left of each ends the
 * program, so that one which is reached all the same is not overlooked.
 */
export function dropUnreached(code, names) {
  const reader = new Reader(code);
  const count = reader.number();
  const parts = [Buffer.from(unsigned(count))];
  const dropped = new Set();
  for (let i = 0; i < count; i++) {
    const body = reader.take(reader.number());
    if (unreached.test(names[i])) dropped.add(i);
    const left = dropped.has(i) ? trap : body;
    parts.push(Buffer.from(unsigned(left.length)), left);
  }
  return { bytes: Buffer.concat(parts), dropped };
}
