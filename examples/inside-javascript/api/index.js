// A payments API that has Oncegate guard its own handler: it gives keyed requests to the gate, another Worker, and the gate
// calls `Payments` here for those that are to be executed.

import { WorkerEntrypoint } from 'cloudflare:workers';

/** How many payments were tried, since the isolate began. */
let attempts = 0;

/** What the gate stands in front of. Only what has a service binding to it can call it. */
export class Payments extends WorkerEntrypoint {
  async fetch(request) {
    attempts += 1;
    const { amount } = await request.json();
    if (!(amount > 0)) throw new Error(`an amount of ${amount}`);
    return Response.json({ id: `pay_${crypto.randomUUID()}`, amount }, { status: 201 });
  }
}

export default {
  async fetch(request, env) {
    if (new URL(request.url).pathname.startsWith('/v1/')) return env.GATE.fetch(request);
    return Response.json({ attempts });
  },
};
