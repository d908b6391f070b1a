// Turns what was measured into a table, a chart and the figures of docs/PERFORMANCE.md.
import fs from 'node:fs';

/** The rows: what they are and how much of the floor's time they may take. */
const bars = {
  setSingly: ['`setEncrypted`, 200 B, one after the other', 1.1],
  setCommitted: ['the same, against a floor that ends its transactions by `commit()`', Number.POSITIVE_INFINITY],
  getSingly: ['`getDecrypted`, 200 B, one after the other', 1.1],
  setAtOnce: ['100 concurrent `setEncrypted` of 200 B', 1],
  getAtOnce: ['100 concurrent `getDecrypted` of 200 B', 1],
  setMany: ['`setManyEncrypted`, 500 × 200 B, new names', 1.05],
  getMany: ['`getManyDecrypted`, 500 × 200 B, names met before', 0.9],
  getHot: ['`getDecrypted`, 200 B, in the opt-in cache', 0.05],
  set1MiB: ['`setEncrypted`, 1 MiB', 1.03],
  get1MiB: ['`getDecryptedBytes`, 1 MiB', 1.03],
  set16MiB: ['`setEncrypted`, 16 MiB', 1.03],
  get16MiB: ['`getDecryptedBytes`, 16 MiB', 1.03],
  setSeries: ['`setManyEncrypted`, 60 slices of 512 KiB', 1.1],
  getSlice: ['`getDecryptedBytes`, a slice of 512 KiB, against IndexedDB in clear', Number.POSITIVE_INFINITY],
  showSlice: ['the same, drawn on a canvas with window and level', 1.3],
  hookGet: ["`useEncryptedStorage`, from a component's first render to its value, against `getDecrypted`", 1.1],
  open: ['open and unlock an existing vault, WebAssembly running', 1.05],
  longest: ["main thread's longest task while 64 MiB go in and out", 1.1],
};

/** Milliseconds that the page may take to its first decrypted value on top of the floor's. */
const loadBar = 60;

const quantile = (list, q) => {
  const sorted = [...list].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const low = Math.floor(at);
  return sorted[low] + (sorted[Math.ceil(at)] - sorted[low]) * (at - low);
};
const median = (list) => quantile(list, 0.5);

function figures(results) {
  const ratios = Object.entries(bars).map(([row, [what, bar]]) => {
    const list = results.rows[row].map(({ ours, floor }) => ours / floor);
    return { what, bar, median: median(list), low: quantile(list, 0.25), high: quantile(list, 0.75) };
  });
  const onTop = results.rows.load.map(({ ours, floor }) => ours - floor);
  return { ratios, onTop: { median: median(onTop), low: quantile(onTop, 0.25), high: quantile(onTop, 0.75) } };
}

const two = (x) => x.toFixed(2);
const plain = (markdown) => markdown.replaceAll('`', '');

function growthLines({ growth }) {
  const sizes = [...new Set(growth.map(({ size }) => size))].sort((a, b) => a - b);
  const calls = [...new Set(growth.map(({ call }) => call))];
  const least = sizes[0];
  return {
    sizes,
    lines: calls.map((call) => {
      const at = (size) => growth.filter((g) => g.call === call && g.size === size).map(({ ms }) => ms);
      const base = at(least);
      return { call, cells: sizes.map((size) => median(at(size).map((ms, i) => ms / base[i]))) };
    }),
  };
}

export function table(results) {
  const { ratios, onTop } = figures(results);
  const lines = ratios.map(
    ({ what, bar, median, low, high }) =>
      `${plain(what).padEnd(68)} ${two(median)}  [${two(low)} ${two(high)}]  ${bar === Number.POSITIVE_INFINITY ? '' : `at most ${two(bar)}`}${median > bar ? '   OVER' : ''}`,
  );
  lines.push(
    `${'page load to first decrypted value, on top of the floor'.padEnd(68)} ${onTop.median.toFixed(0)} ms  [${onTop.low.toFixed(0)} ${onTop.high.toFixed(0)}]  at most ${loadBar} ms${onTop.median > loadBar ? '   OVER' : ''}`,
  );
  const { sizes, lines: growth } = growthLines(results);
  lines.push('', `growth, against ${sizes[0]} records: ${sizes.slice(1).join(', ')}`);
  for (const { call, cells } of growth) lines.push(`  ${call.padEnd(8)} ${cells.slice(1).map(two).join('  ')}`);
  lines.push('', plain(memoryLine(results)));
  return lines.join('\n');
}

function memoryLine({ memory: { calls, before, after } }) {
  const count = (n) => n.toLocaleString('en');
  return `Memory before and after ${count(calls)} sets and gets: WebAssembly ${count(before.engine)} and ${count(after.engine)} bytes, JavaScript ${count(before.javascript)} and ${count(after.javascript)}.`;
}

/** A chart of the ratios, with their spread and their bars. */
export function chart(results) {
  const { ratios } = figures(results);
  const [left, width, step, top] = [400, 420, 26, 40];
  const most = Math.max(1.4, ...ratios.map(({ high }) => high));
  const x = (ratio) => (left + (ratio / most) * width).toFixed(1);
  const height = top + ratios.length * step + 20;
  const bodies = ratios.map(({ what, bar, median, low, high }, i) => {
    const y = top + i * step;
    return [
      `<text x="${left - 10}" y="${y + 13}" text-anchor="end">${plain(what).replaceAll('&', '&amp;')}</text>`,
      `<rect x="${left}" y="${y + 2}" width="${(x(median) - left).toFixed(1)}" height="15" fill="${median > bar ? '#b3541e' : '#0b6477'}"/>`,
      `<path d="M${x(low)} ${y + 9.5}H${x(high)}" stroke="#111" stroke-width="1.5"/>`,
      bar < most ? `<path d="M${x(bar)} ${y}v19" stroke="#111" stroke-dasharray="2 2"/>` : '',
      `<text x="${left + width + 12}" y="${y + 13}">${two(median)}</text>`,
    ].join('');
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${left + width + 70} ${height}" font-family="system-ui, sans-serif" font-size="12">
<title>Time that idbvault takes, as a ratio to the floor</title>
<rect width="100%" height="100%" fill="#fff"/>
<text x="${left}" y="18">time taken, the floor's being 1; dashes: the most it may be</text>
<path d="M${x(1)} 26V${height - 14}" stroke="#999"/>
${bodies.join('\n')}
</svg>
`;
}

/** What a page load is made of, and the mark that each part ends with. The floor has no program to compile and start. */
const parts = [
  ['page', 'script', '#d5dbe0'],
  ['JavaScript', 'imported', '#9fb6c4'],
  ['fetch and compile', 'compiled', '#0b6477'],
  ['Go start', 'started', '#14919b'],
  ['unlock (PBKDF2, 600,000)', 'unlocked', '#d9a441'],
  ['first value', 'first', '#b3541e'],
];

/** The milliseconds at which each part of a load ends, in the median; what a side does not have is left out. */
function startUp(results) {
  const at = (side, mark) => median(results.load.marks[side].map((marks) => marks[mark]));
  return ['ours', 'floor'].map((side) => ({
    side: side === 'ours' ? 'idbvault' : 'floor',
    ends: parts
      .filter(([, mark]) => mark in results.load.marks[side][0])
      .map(([what, mark, fill]) => ({ what, fill, end: at(side, mark) })),
  }));
}

/** A chart of what a page load is made of. */
export function startUpChart(results) {
  const sides = startUp(results);
  const [left, width] = [80, 640];
  const most = Math.max(...sides.flatMap(({ ends }) => ends.map(({ end }) => end)));
  const x = (ms) => (left + (ms / most) * width).toFixed(1);
  const bars = sides.flatMap(({ side, ends }, i) => {
    const y = 60 + i * 36;
    return [
      `<text x="${left - 10}" y="${y + 17}" text-anchor="end">${side}</text>`,
      ...ends.map(({ fill, end }, k) => {
        const start = k ? ends[k - 1].end : 0;
        return `<rect x="${x(start)}" y="${y}" width="${(x(end) - x(start)).toFixed(1)}" height="24" fill="${fill}"/>`;
      }),
      `<text x="${Number(x(ends.at(-1).end)) + 8}" y="${y + 17}">${ends.at(-1).end.toFixed(0)} ms</text>`,
    ];
  });
  const legend = parts.map(
    ([what, , fill], i) =>
      `<rect x="${left + (i % 3) * 220}" y="${12 + Math.floor(i / 3) * 20}" width="12" height="12" fill="${fill}"/><text x="${left + 18 + (i % 3) * 220}" y="${22 + Math.floor(i / 3) * 20}">${what}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${left + width + 70} 140" font-family="system-ui, sans-serif" font-size="12">
<title>A page from its navigation to its first decrypted value</title>
<rect width="100%" height="100%" fill="#fff"/>
${[...legend, ...bars].join('\n')}
</svg>
`;
}

/** Writes the figures into docs/PERFORMANCE.md, between its marks. */
export function document(results) {
  const file = 'docs/PERFORMANCE.md';
  const { ratios, onTop } = figures(results);
  const { machine } = results;
  const { sizes, lines } = growthLines(results);
  const spread = ({ low, high }) => `${two(low)} to ${two(high)}`;
  const text = `
Measured on ${machine.date} with ${machine.browser} on ${machine.cores} cores of ${machine.processor}, ${machine.rounds} rounds, ${3 * machine.rounds} of the rows of 200 B, of single slices and of the hook.

| work | ratio to the floor | middle half of the rounds | at most |
|---|---|---|---|
${ratios.map((r) => `| ${r.what} | ${two(r.median)} | ${spread(r)} | ${r.bar === Number.POSITIVE_INFINITY ? '' : two(r.bar)} |`).join('\n')}
| page load to first decrypted value: on top of the floor | ${onTop.median.toFixed(0)} ms | ${onTop.low.toFixed(0)} to ${onTop.high.toFixed(0)} ms | ${loadBar} ms |

| call | ${sizes.map((size) => `${size.toLocaleString('en')} records`).join(' | ')} |
|---|${sizes.map(() => '---|').join('')}
${lines.map(({ call, cells }) => `| \`${call}\` | ${cells.map(two).join(' | ')} |`).join('\n')}

A page load, HTTP cache warm; the milliseconds at which each part ends, in the median:

| | ${parts.map(([what]) => what).join(' | ')} |
|---|${parts.map(() => '---|').join('')}
${startUp(results)
  .map(
    ({ side, ends }) =>
      `| ${side} | ${parts.map(([what]) => ends.find((e) => e.what === what)?.end.toFixed(0) ?? '').join(' | ')} |`,
  )
  .join('\n')}

${memoryLine(results)}
`;
  const [start, end] = ['<!-- figures -->', '<!-- /figures -->'];
  const page = fs.readFileSync(file, 'utf8');
  const [front, rest] = page.split(start);
  fs.writeFileSync(file, `${front}${start}\n${text}\n${end}${rest.split(end)[1]}`);
}
