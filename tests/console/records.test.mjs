// Records in the console: looked up, listed page by page, and shown with all that happened to them.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { PAYMENT, assertCreated, freshKey } from '../e2e/support/expect.mjs';
import { until } from '../e2e/support/until.mjs';
import { find, inConsole, part, see } from './support/browser.mjs';
import { ALICE, serveConsole } from './support/served.mjs';

const { gate, origin, operator, browser, pay, recordOf } = await serveConsole();

test('a record is found by its scope and key, with its timeline and its stored answer', async () => {
  const key = freshKey();
  const first = await pay(key, { 'x-test-reply': '{"x-a": "of the answer"}' });
  assertCreated(first);
  await inConsole(browser, gate, {}, async (page) => {
    const record = await find(page, ALICE, key);
    await see('completed', record);
    const stands = await recordOf(key);
    for (const text of [stands.id, stands.fence, stands.ledger, 'of the answer', 'Status']) await see(text, record);
    const steps = await record.getByRole('listitem').allTextContents();
    assert.deepEqual(steps.map((step) => /(Claimed|Completed)/.exec(step)[0]), ['Claimed', 'Completed']);
    assert.match(steps[1], /status 201, attempt 1/);
    await record.getByRole('button', { name: 'Show the body' }).click();
    assert.equal(await record.getByRole('region', { name: 'The stored body' }).textContent(), first.text);
  });
});

test('a key of a JSON document may be a number or a text, which are two keys', async () => {
  await gate.post('/v1/orders', { json: { order: 17 } });
  await inConsole(browser, gate, {}, async (page) => {
    const form = part(page, 'Find a record');
    await form.getByLabel('Route').selectOption('orders');
    const key = form.getByLabel(/^Key: json:\/order/);
    const { id } = (await until('the observed order is on record', async () => {
      const found = await operator.find('orders', {}, [17]);
      return found.status === 200 && found;
    })).json;
    await key.fill('17');
    await key.press('Enter');
    await see(id, part(page, 'Record'));
    await key.fill('nothing like it');
    await key.press('Enter');
    await see(/There is no such record/, form.getByRole('alert'));
  });
});

test('a list goes page by page, forward and back, and each record is on one page', async () => {
  const ids = [];
  for (let index = 0; index < 23; index += 1) {
    const key = freshKey();
    await gate.post('/v1/payment_intents', { key, json: PAYMENT, headers: { 'x-test-hang-up': 'after' } });
    ids.push((await operator.find('many', {}, [key])).json.id);
  }
  await inConsole(browser, gate, {}, async (page) => {
    const list = part(page, 'Records');
    await list.getByLabel('Route').selectOption('many');
    await list.getByLabel('On a page').selectOption('10');
    await list.getByRole('button', { name: 'List' }).click();
    const read = () => list.locator('tbody button').evaluateAll((buttons) => buttons.map((button) => button.title));
    const pages = [];
    for (let number = 1; number <= ids.length; number += 1) {
      await see(new RegExp(`of many in state unknown on page ${number}`), list);
      pages.push(await read());
      assert.ok(pages.at(-1).length <= 10);
      if ((await list.getByRole('button', { name: 'Next page' }).count()) === 0) break;
      await list.getByRole('button', { name: 'Next page' }).click();
    }
    assert.ok(pages.length >= 3);
    assert.deepEqual(pages.flat().sort(), ids.toSorted());
    await list.getByRole('button', { name: 'Previous page' }).click();
    await see(`on page ${pages.length - 1}.`, list);
    assert.deepEqual(await read(), pages.at(-2));
    await list.locator('tbody button').first().click();
    await see(pages.at(-2)[0], part(page, 'Record'));
  });
});

test('a request that is running is listed as in progress, and offers no change', async () => {
  const key = freshKey();
  const running = pay(key, { 'x-label': key, 'x-test-hold': key });
  await origin.arrived(key);
  await inConsole(browser, gate, {}, async (page) => {
    const list = part(page, 'Records');
    await list.getByLabel('State').selectOption('in progress');
    await list.getByRole('button', { name: 'List' }).click();
    await see('1 record of payments in state in progress.', list);
    await list.locator('tbody button').click();
    await see('Lease until', part(page, 'Record'));
    assert.deepEqual(await part(page, 'Record').getByRole('button').allTextContents(), ['Look again']);
  });
  await origin.go(key);
  await running;
});
