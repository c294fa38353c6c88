// The operator's console: asks for the token, and shows what the API tells to whoever has it.
//
// The token is kept in memory and nowhere else. The API behind the gate is at the same address, so whatever script that serves could
// read what is in this browser's storage for it.

import { Api } from './api.js';
import { attempt, pick, say } from './elements.js';
import { offerFind } from './find.js';
import { List } from './list.js';
import { RecordView } from './record.js';
import { Traffic } from './traffic.js';

const entry = pick('#entry');
const token = pick('#token');
const REFUSED = '#refused';

entry.onsubmit = (event) => {
  event.preventDefault();
  attempt(entry, event.submitter, async () => {
    const api = new Api(token.value, refused);
    const { routes } = await api.configuration();
    token.value = '';
    enter(api, routes);
  });
};

let traffic;

function enter(api, routes) {
  const record = new RecordView(api, () => list.reload());
  const list = new List(api, routes, (route, id) => record.open(route, id));
  offerFind(api, routes, (route, found) => record.show(route, found));
  traffic = new Traffic(api, routes);
  show(true);
  pick('#main').focus();
  say('The console is open.');
  traffic.ask();
}

/** Shows nothing more than before the token was given: what was shown goes with a fresh page. */
function leave() {
  traffic.stop();
  location.reload();
}

/** The token is refused. At the entry that is said there; a fresh page says it by its address. */
function refused() {
  if (!traffic) return;
  location.hash = REFUSED;
  leave();
}

function show(isOpen) {
  entry.hidden = isOpen;
  for (const selector of ['#console', '#sections', '#leave']) pick(selector).hidden = !isOpen;
}

pick('#leave').onclick = leave;
if (location.hash === REFUSED) {
  history.replaceState(null, '', location.pathname);
  pick('.problem', entry).textContent = 'The token is not taken any more. Give the one that is set now.';
}
// A page that the browser has kept for its "back" still has the token.
addEventListener('pageshow', ({ persisted }) => persisted && location.reload());
