// What the Worker exports, for a Worker of your own that exports it on: `export { default, Ledger } from 'oncegate'`.

/** The gate. Wrangler's configuration gives it its bindings. */
declare const gate: {
  fetch(request: Request, bindings: object, context: { waitUntil(work: Promise<unknown>): void }): Response | Promise<Response>;
};
export default gate;

/** The Durable Object in which the records are; the class of the binding `LEDGER`. */
export declare class Ledger {
  constructor(state: object);
  fetch(request: Request): Promise<Response>;
  alarm(): void;
}
