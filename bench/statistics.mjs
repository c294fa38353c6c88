// What is made of the figures of several rounds. Ratios are taken within a round, since the machine may be another in the next.

/** The smallest, the middle and the largest. */
export function spread(values) {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = (sorted.length - 1) / 2;
  const median = (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2;
  return { min: sorted[0], median, max: sorted.at(-1) };
}

/** The figures of one case over all rounds: `of` is its subject and its load. */
export function over(rounds, [letter, load], figure) {
  return rounds.map((round) => round[letter]?.loads[load]?.[figure]).filter((value) => value !== undefined);
}

/** How many times the CPU of one case is that of another, in the rounds that have both; `undefined` where there is none. */
export function ratio(rounds, of, to, figure = 'cpu') {
  const [values, references] = [over(rounds, of, figure), over(rounds, to, figure)];
  if (values.length === 0 || values.length !== references.length) return undefined;
  return spread(values.map((value, round) => value / references[round]));
}

/** What several parts of one measurement come to. Of the times, which cannot be added up, it is the middle. */
export function together(parts) {
  const sum = (figure) => parts.reduce((total, part) => total + figure(part), 0);
  const middle = (figure) => spread(parts.map((part) => part[figure])).median;
  const requests = sum((part) => part.requests);
  return {
    requests,
    cpu: sum((part) => part.cpu * part.requests) / requests,
    perSecond: sum((part) => part.perSecond) / parts.length,
    p50: middle('p50'),
    p99: middle('p99'),
  };
}
