// The operator's API (docs/operations.md), with the token of whoever is there.

/** A refusal: problem details (RFC 9457). */
export class Refusal extends Error {
  constructor(problem) {
    super(`${problem.title}. ${problem.detail}`);
    this.status = problem.status;
    /** How the record stands, where the problem is about one. */
    this.record = problem.record;
  }
}

export class Api {
  #authorization;
  #onUnauthorized;

  /** `onUnauthorized` hears of it when the token is refused. */
  constructor(token, onUnauthorized) {
    this.#authorization = `Bearer ${token}`;
    this.#onUnauthorized = onUnauthorized;
  }

  configuration() {
    return this.#ask('config');
  }

  /** The counters of a route: sums over its ledgers, however many questions that takes. */
  async counters(route) {
    const sum = { counters: {}, failed: [], ledgers: 0 };
    for (let from = 0; from !== null; ) {
      const part = await this.#ask(`${routePath(route)}/counters?from=${from}`);
      for (const [name, value] of Object.entries(part.counters)) sum.counters[name] = (sum.counters[name] ?? 0) + value;
      sum.failed.push(...part.failed);
      sum.ledgers += part.ledgers.asked;
      from = part.next;
    }
    return sum;
  }

  records(route, { state, limit, after }) {
    const query = new URLSearchParams({ state, limit, ...(after && { after }) });
    return this.#ask(`${routePath(route)}/records?${query}`);
  }

  find(route, scope, key) {
    return this.#ask(`${routePath(route)}/records/find`, { scope, key });
  }

  record(route, id, { body = false } = {}) {
    return this.#ask(`${recordPath(route, id)}${body ? '?body=1' : ''}`);
  }

  resolve(route, id, how) {
    return this.#ask(`${recordPath(route, id)}/resolve`, how);
  }

  forget(route, id, how) {
    return this.#ask(`${recordPath(route, id)}/forget`, how);
  }

  async #ask(path, sent) {
    const response = await fetch(path, {
      method: sent ? 'POST' : 'GET',
      headers: { authorization: this.#authorization, ...(sent && { 'content-type': 'application/json' }) },
      body: sent && JSON.stringify(sent),
      cache: 'no-store',
      credentials: 'omit',
    }).catch((error) => {
      const unsure = sent ? ' What was asked may have been done or not: look at the record again.' : '';
      throw new Error(`The gate did not answer (${error.message}).${unsure}`);
    });
    const answer = await response.json().catch(() => undefined);
    if (response.ok && answer) return answer;
    if (response.status === 401) this.#onUnauthorized();
    throw answer?.title
      ? new Refusal(answer)
      : new Error(`The gate answered with status ${response.status}, and not as the operator's API does.`);
  }
}

function routePath(route) {
  return `routes/${encodeURIComponent(route)}`;
}

function recordPath(route, id) {
  return `${routePath(route)}/records/${id}`;
}
