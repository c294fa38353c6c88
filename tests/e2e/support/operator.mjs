// The operator of a gate, who shows its token.

import assert from 'node:assert/strict';

export const TOKEN = 'a-token-of-the-tests';
export const BECAUSE = { who: 'alice', why: "found in the bank's file" };

/** What an operator asks of a gate. Each gives the Reply. */
export function operatorOf(gate, token = TOKEN) {
  const headers = { authorization: `Bearer ${token}` };
  const get = (path) => gate.send('GET', `/_oncegate/${path}`, { headers });
  const post = (path, json) => gate.send('POST', `/_oncegate/${path}`, { headers, json });
  const record = (route, id) => `routes/${route}/records/${id}`;
  /** Changes a record if it stands as it does when this is called, or as it did when `fence` was seen. */
  const change = async (route, id, action, { fence, ...how }) => {
    const seen = fence ?? (await get(record(route, id))).json.fence;
    return post(`${record(route, id)}/${action}`, { ...BECAUSE, ...how, fence: seen });
  };
  return {
    get,
    post,
    counters: async (route) => (await get(route ? `routes/${route}/counters` : 'counters')).json.counters,
    find: (route, scope, key) => post(`routes/${route}/records/find`, { scope, key }),
    look: (route, id, query = '') => get(record(route, id) + query),
    resolve: (route, id, how) => change(route, id, 'resolve', how),
    forget: (route, id, how = {}) => change(route, id, 'forget', how),

    /** All records of a route that stand so, page by page. */
    async list(route, state, limit) {
      const pages = [];
      for (let after = ''; ;) {
        const reply = await get(`routes/${route}/records?state=${state}&limit=${limit}${after}`);
        assert.equal(reply.status, 200, reply.text);
        assert.deepEqual(reply.json.failed, []);
        pages.push(reply.json.records);
        if (reply.json.next === null) return pages;
        after = `&after=${encodeURIComponent(reply.json.next)}`;
      }
    },
  };
}

/** A refusal by the operator's API. Gives the problem. */
export function assertOperatorProblem(reply, status, type) {
  assert.equal(reply.status, status, reply.text);
  assert.equal(reply.header('content-type'), 'application/problem+json');
  assert.equal(reply.header('cache-control'), 'no-store');
  assert.equal(reply.json.type, `urn:oncegate:operator-problem:${type}`);
  assert.equal(reply.json.status, status);
  assert.ok(reply.json.detail.length > 10);
  return reply.json;
}
