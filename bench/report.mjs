// The tables and the plot of a run.

import { SHARES, TARGETS } from './plan.mjs';
import { over, ratio, spread } from './statistics.mjs';
import { SUBJECTS } from './subjects.mjs';

const FLOOR = ['a', 'unkeyed'];
const FIGURES = { cpu: 'CPU', p50: 'p50' };

/** Every case as a row: what it took of the CPU, and how many times the first subject's that is. */
export function casesTable(run) {
  const rows = cases(run).map(({ letter, load }) => {
    const of = [letter, load];
    const middle = (figure) => spread(over(run.rounds, of, figure)).median;
    return [
      `${letter}. ${SUBJECTS[letter].name}`,
      load,
      Math.round(middle('cpu')),
      withSpread(ratio(run.rounds, of, FLOOR)),
      Math.round(middle('perSecond')),
      (middle('p50') / 1000).toFixed(1),
      (middle('p99') / 1000).toFixed(1),
    ];
  });
  return table(['subject', 'load', 'CPU µs', '× a (min to max)', 'requests/s', 'p50 ms', 'p99 ms'], rows);
}

/** Every target that is a ratio, with what was reached, and then the shares. */
export function targetsTable(run) {
  const rows = [...TARGETS, ...SHARES].map(({ of, to, figure = 'cpu', most }) => {
    const reached = ratio(run.rounds, of, to, figure);
    if (!reached) return undefined;
    const [target, verdict] = most ? [`≤ ${most.toFixed(2)}`, reached.median <= most ? 'met' : 'missed'] : ['', ''];
    return [FIGURES[figure], of.join(' '), to.join(' '), target, withSpread(reached), verdict];
  });
  return table(['', 'of', 'to', 'target', 'ratio (min to max)', ''], rows.filter(Boolean));
}

/** What was counted. */
export function countsTable(counts) {
  const rows = counts.map(({ name, value, most }) => [name, `≤ ${most}`, shown(value), value <= most ? 'met' : 'missed']);
  return table(['count', 'target', 'value', ''], rows);
}

/** What is measured by starts of its own, once in a run. */
export function startsTable(figures) {
  const rows = figures.map(({ name, most, min, median, max }) => {
    const value = min === max ? median.toFixed(1) : withSpread({ min, median, max }, 1);
    return most ? [name, `≤ ${most}`, value, median <= most ? 'met' : 'missed'] : [name, '', value, ''];
  });
  return table(['figure', 'target', 'value (min to max)', ''], rows);
}

/** The most memory that each subject had, in all rounds. */
export function memoryTable(run) {
  const rows = Object.keys(run.rounds[0]).map((letter) => {
    const { min, median, max } = spread(run.rounds.map((round) => round[letter].peakMebibytes));
    return [`${letter}. ${SUBJECTS[letter].name}`, `${median} (${min} to ${max})`];
  });
  return table(['subject', 'peak memory, MiB'], rows);
}

/** A bar per case, as long as its CPU. */
export function plot(run) {
  const bars = cases(run).map(({ letter, load }) => {
    return { label: `${letter}. ${load}`, cpu: spread(over(run.rounds, [letter, load], 'cpu')).median };
  });
  const longest = Math.max(...bars.map(({ cpu }) => cpu));
  const [left, width, height] = [170, 560, 20];
  const lines = bars.map(({ label, cpu }, index) => {
    const [y, length] = [10 + index * height, (cpu / longest) * (width - left)];
    return `<text x="${left - 6}" y="${y + 12}" text-anchor="end">${label}</text>
<rect x="${left}" y="${y + 2}" width="${length.toFixed(1)}" height="${height - 6}"/>
<text x="${(left + length + 4).toFixed(1)}" y="${y + 12}">${Math.round(cpu)}</text>`;
  });
  const title = 'CPU of the serving process, in microseconds per request: median of the rounds';
  const [w, h] = [width + 70, bars.length * height + 34];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}" role="img">
<title>${title}</title>
<style>text { font: 11px sans-serif; fill: #444 } rect { fill: #3b7dd8 } @media (prefers-color-scheme: dark) { text { fill: #bbb } }</style>
${lines.join('\n')}
<text x="10" y="${h - 8}">${title}</text>
</svg>
`;
}

function cases(run) {
  const [first] = run.rounds;
  return Object.keys(first).flatMap((letter) => Object.keys(first[letter].loads).map((load) => ({ letter, load })));
}

function withSpread(values, digits = 2) {
  if (!values) return '';
  const [min, median, max] = [values.min, values.median, values.max].map((value) => value.toFixed(digits));
  return `${median} (${min} to ${max})`;
}

function shown(value) {
  return Number.isInteger(value) ? value.toLocaleString('en') : value.toFixed(3);
}

function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
