// Drawings of what was counted over time. What they show is beside them in words, too.

import { OUTCOMES, duplicateRate, outcomes, percent } from './counters.js';
import { drawn, element } from './elements.js';

/** How many intervals are shown. */
export const SHOWN = 60;

const WIDTH = 320;
const HEIGHT = 72;
const TOP = 14;
const STEP = WIDTH / SHOWN;

/** Bars, one for each interval with the newest at the right: what became of the requests in it. */
export function outcomeBars(samples) {
  const bars = samples.map(({ grown }) => outcomes(grown));
  const most = Math.max(1, ...bars.map((parts) => parts.reduce((all, part) => all + part, 0)));
  const rectangles = bars.flatMap((parts, index) => stack(parts, left(samples, index), most));
  const said = `Requests by outcome in each of the last ${samples.length} intervals, at most ${most} in one`;
  return drawing(said, String(most), rectangles);
}

function stack(parts, x, most) {
  let y = HEIGHT;
  return parts.map((part, index) => {
    const height = ((HEIGHT - TOP) * part) / most;
    y -= height;
    if (part === 0) return undefined;
    return drawn('rect', { class: OUTCOMES[index].kind, x: x + 0.5, y, width: STEP - 1, height });
  });
}

/** A line, broken where there was no request: which part of the requests were duplicates. */
export function rateLine(samples) {
  const points = samples.flatMap(({ grown }, index) => {
    const rate = duplicateRate(grown);
    return rate === undefined ? [] : [{ index, x: left(samples, index) + STEP / 2, y: HEIGHT - (HEIGHT - TOP) * rate, rate }];
  });
  const path = points.map(({ index, x, y }, at) => `${points[at - 1]?.index === index - 1 ? 'L' : 'M'}${x} ${y}`).join('');
  const dots = points.map(({ x, y }) => drawn('circle', { class: 'point', cx: x, cy: y, r: 2 }));
  const last = points.at(-1);
  const said = last ? `last ${percent(last.rate)}` : 'no requests yet';
  return drawing(`Duplicates among the requests over time, ${said}`, '100 %', [drawn('path', { class: 'line', d: path }), ...dots]);
}

/** Which colour is what, with how many there were of it. */
export function legend(grown) {
  const counts = outcomes(grown);
  const entry = ({ kind, label }, index) => {
    return element('li', {}, element('span', { class: `swatch ${kind}` }), `${label}: ${counts[index]}`);
  };
  return element('ul', { class: 'legend' }, OUTCOMES.map(entry));
}

function left(samples, index) {
  return (SHOWN - samples.length + index) * STEP;
}

function drawing(said, top, shapes) {
  return drawn(
    'svg',
    { role: 'img', 'aria-label': said, viewBox: `0 0 ${WIDTH} ${HEIGHT + 1}` },
    drawn('text', { x: 0, y: 10 }, top),
    drawn('line', { class: 'axis', x1: 0, y1: HEIGHT, x2: WIDTH, y2: HEIGHT }),
    shapes,
  );
}
