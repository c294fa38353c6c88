// Records changed by hand in the console, and what clients get after that.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { assertCreated, assertReplayed, freshKey } from '../e2e/support/expect.mjs';
import { find, inConsole, part, see } from './support/browser.mjs';
import { ALICE, serveConsole } from './support/served.mjs';

const { gate, origin, operator, browser, pay, doubt, recordOf } = await serveConsole();

/** Asks for a change and confirms it, and gives the dialog. */
async function change(page, name, confirm, fields) {
  await part(page, 'Record').getByRole('button', { name }).click();
  const dialog = page.getByRole('dialog');
  for (const [label, value] of Object.entries(fields)) await dialog.getByLabel(label, { exact: true }).fill(value);
  await dialog.getByRole('button', { name: confirm }).click();
  return dialog;
}

test('an unknown record is resolved as executed, and its retry gets the answer that was given', async () => {
  const key = freshKey();
  await doubt(key);
  await inConsole(browser, gate, {}, async (page) => {
    await see('connection-lost: the connection to the origin broke', await find(page, ALICE, key));
    const answer = { Status: '201', 'Headers, one in a line': 'x-b: 1\ncontent-type: text/plain', Body: 'it was paid' };
    const because = { 'Who you are': 'alice', Why: "found in the bank's file" };
    const wrong = { ...answer, 'Headers, one in a line': 'no colon', ...because };
    const dialog = await change(page, /^It executed/, 'Resolve as completed', wrong);
    await see(/"no colon" must be a name, a colon and a value/, dialog.getByRole('alert'));
    await dialog.getByLabel('Headers, one in a line').fill('transfer-encoding: chunked');
    await dialog.getByRole('button', { name: 'Resolve as completed' }).click();
    await see(/The header "transfer-encoding"/, dialog.getByRole('alert'));
    await dialog.getByLabel('Headers, one in a line').fill(answer['Headers, one in a line']);
    await dialog.getByRole('button', { name: 'Resolve as completed' }).click();
    await see("alice: found in the bank's file", part(page, 'Record'));
    assert.equal(await dialog.count(), 0);
    assert.equal(await page.getByRole('status').last().textContent(), 'Resolved as completed.');
    const retry = await pay(key);
    assert.deepEqual([retry.outcome, retry.status, retry.text, retry.header('x-b')], ['replayed', 201, 'it was paid', '1']);
    assert.equal(await origin.executions(key), 1);
  });
});

test('an unknown record is resolved as released, and its retry is executed', async () => {
  const key = freshKey();
  assert.equal((await pay(key, { 'x-test-hang-up': 'before' })).outcome, 'unknown');
  await inConsole(browser, gate, {}, async (page) => {
    await find(page, ALICE, key);
    await change(page, /^It did not/, 'Resolve as released', { 'Who you are': 'alice', Why: 'the bank has no such payment' });
    await see('alice: the bank has no such payment', part(page, 'Record'));
    assertCreated(await pay(key));
    assert.equal(await origin.executions(key), 1);
  });
});

test('a stored answer is forgotten, after a dialog that can be left without doing anything', async () => {
  const key = freshKey();
  const first = await pay(key);
  await inConsole(browser, gate, {}, async (page) => {
    const record = await find(page, ALICE, key);
    const forget = record.getByRole('button', { name: 'Forget…' });
    await forget.focus();
    await page.keyboard.press('Enter');
    await see(/The stored answer is deleted/, page.getByRole('dialog'));
    await page.keyboard.press('Escape');
    assert.equal(await page.getByRole('dialog').count(), 0);
    assert.ok(await forget.evaluate((button) => button === document.activeElement), 'the focus is where it was');
    assertReplayed(await pay(key), first);

    await change(page, 'Forget…', 'Forget', { 'Who you are': 'bob', Why: 'asked to delete it' });
    await see('Forgotten by an operator', record);
    await see('bob: asked to delete it', record);
    assert.equal(await record.getByRole('button', { name: 'Forget…' }).count(), 0);
    assertCreated(await pay(key));
  });
});

test('a record that another has changed meanwhile is shown as it stands, with the reason, and nothing is done to it', async () => {
  const key = freshKey();
  await doubt(key);
  await inConsole(browser, gate, {}, async (page) => {
    const record = await find(page, ALICE, key);
    await see('connection-lost', record);
    const { id } = await recordOf(key);
    await operator.resolve('payments', id, { as: 'completed', response: { status: 200, body: 'by another' } });
    await change(page, /^It did not/, 'Resolve as released', { 'Who you are': 'bob', Why: 'too late' });
    await see(/another attempt's by now/, record.getByRole('alert'));
    await see("alice: found in the bank's file", record);
    assert.equal((await operator.look('payments', id)).json.state, 'completed');
  });
});
