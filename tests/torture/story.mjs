// What happened to one key, as a story.

const DETAILS = ['p', 'attempt', 'fault', 'status', 'mark', 'h', 'b', 'x', 'refuses', 'late', 'cut', 'calm', 'why'];
const OF_ALL = ['killed', 'restarted', 'calm'];

/** A line for everything in the histories that concerns a key, in the order in which it happened. */
export function story({ tenant, key }, originEvents, clientEvents) {
  const lines = [];
  let begunAt;
  const concerns = (event) => OF_ALL.includes(event.e) || (event.tenant === tenant && event.key === key);
  for (const [who, events] of Object.entries({ origin: originEvents, client: clientEvents })) {
    for (const event of events) if (concerns(event)) lines.push({ ...event, who });
  }
  lines.sort((a, b) => a.t - b.t);
  return lines.map((event) => {
    if (!OF_ALL.includes(event.e)) begunAt ??= event.t;
    const seconds = begunAt === undefined ? '' : ((event.t - begunAt) / 1e6).toFixed(3);
    const who = OF_ALL.includes(event.e) ? '        all' : `${event.who} ${event.r}`;
    return `${seconds.padStart(9)} s  ${who.padEnd(16)} ${event.e.padEnd(9)} ${details(event)}`.trimEnd();
  });
}

function details(event) {
  const told = DETAILS.filter((name) => event[name] !== undefined && !(name === 'refuses' && !event.refuses));
  return told.map((name) => (event[name] === true ? name : `${name}=${event[name]}`)).join(' ');
}
