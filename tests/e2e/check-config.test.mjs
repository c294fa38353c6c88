// What `cargo xtask check-config` tells of a request is what the Worker then does.

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { PAYMENT, assertCreated, assertProblem, freshKey, route } from './support/expect.mjs';
import { serve, temporaryFolder, xtask } from './support/gate.mjs';
import { TOKEN, operatorOf } from './support/operator.mjs';
import { routesToml } from './support/toml.mjs';

const ROUTES = [
  route('payments', '/v1/payments', { scope: ['header:Authorization'], shards: 5 }),
  route('orders', '/v1/{merchant}/orders', { key: ['json:/order', 'path:merchant'], scope: ['path:merchant'] }),
];
const ALICE = 'Bearer alices-credential';
const { gate } = await serve(ROUTES, { vars: { ADMIN_TOKEN: TOKEN } });
const operator = operatorOf(gate);

const folder = await temporaryFolder();
after(() => folder.forget());

/** Runs the command on a file with these routes, and gives its exit code and what it prints. */
async function check(routes, ...flags) {
  const file = join(folder.path, 'wrangler.toml');
  const ledger = `[[durable_objects.bindings]]\nname = "LEDGER"\nclass_name = "Ledger"\n`;
  const migration = `[[migrations]]\ntag = "v1"\nnew_sqlite_classes = ["Ledger"]\n`;
  await writeFile(file, ledger + migration + routesToml(routes).replaceAll('[[ROUTES]]', '[[vars.ROUTES]]'));
  const child = await xtask('check-config', file, ...flags).toItsEnd(60);
  return { code: child.end.code, output: child.output };
}

/** Asks what becomes of a request, and gives the record that is told. */
async function recordOf(...flags) {
  const { code, output } = await check(ROUTES, '--request', ...flags);
  assert.equal(code, 0, output);
  const told = (what) => new RegExp(`^${what} +(\\S+)$`, 'm').exec(output)?.[1];
  return { id: told('record'), ledger: told('ledger') };
}

test('the record and the ledger that are told are those of the request', async () => {
  const key = freshKey();
  const headers = ['--header', `Authorization: ${ALICE}`, '--header', `Idempotency-Key: "${key}"`];
  const told = await recordOf(`POST ${gate.url}/v1/payments`, ...headers, '--body', JSON.stringify(PAYMENT));
  assertCreated(await gate.post('/v1/payments', { key, json: PAYMENT, headers: { authorization: ALICE } }));
  const { id, ledger } = (await operator.find('payments', { 'header:Authorization': ALICE }, [key])).json;
  assert.deepEqual(told, { id, ledger });
});

test('so are those of a request whose key is in its body and its path', async () => {
  const order = { ...PAYMENT, order: freshKey('order') };
  const told = await recordOf('POST /v1/acme/orders', '--body', JSON.stringify(order));
  const reply = await gate.post('/v1/acme/orders', { json: order });
  assert.equal(reply.header('idempotency-status'), 'created', reply.text);
  const { id, ledger } = (await operator.find('orders', { 'path:merchant': 'acme' }, [order.order, 'acme'])).json;
  assert.deepEqual(told, { id, ledger });
});

test('a request that is refused or passes through is told so, in the words that its client gets', async () => {
  const { output } = await check(ROUTES, '--request', 'POST /v1/payments', '--header', `Authorization: ${ALICE}`);
  const problem = assertProblem(
    await gate.post('/v1/payments', { json: PAYMENT, headers: { authorization: ALICE } }),
    400,
    'missing',
  );
  assert.ok(output.includes(`refused with 400: ${problem.title}. ${problem.detail}`), output);
  assert.match((await check(ROUTES, '--request', 'GET /v1/payments')).output, /passes through, unguarded/);
});

test('mistakes are told with their lines, and are an exit code', async () => {
  const { code, output } = await check([{ ...ROUTES[0], ttl: 'soon' }]);
  assert.equal(code, 1);
  assert.match(output, /wrangler\.toml:\d+: \[vars\] ROUTES\[0\]\.ttl = "soon": allowed is a duration/);
  assert.match(output, /has 1 mistake$/m);
});
