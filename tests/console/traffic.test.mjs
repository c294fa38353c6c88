// What becomes of requests, as the console shows it while they come.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { freshKey } from '../e2e/support/expect.mjs';
import { until } from '../e2e/support/until.mjs';
import { inConsole, part, see } from './support/browser.mjs';
import { serveConsole } from './support/served.mjs';

const { gate, operator, browser, pay } = await serveConsole();

test('counters move when payments are sent: outcomes by route, and which part of them are duplicates', async () => {
  await inConsole(browser, gate, {}, async (page) => {
    const traffic = part(page, 'Traffic');
    await traffic.getByLabel('Ask every').selectOption('never');
    await see(/^Asked at/, traffic.locator('#asked'));
    const key = freshKey();
    for (let times = 0; times < 4; times += 1) await pay(key);
    await pay(freshKey());
    await traffic.getByRole('button', { name: 'Ask now' }).click();
    const card = traffic.locator('.panel').filter({ has: page.getByRole('heading', { name: 'payments' }) });
    await see('Sent to the origin: 2', card);
    await see('Replayed: 3', card);
    await see(/Duplicates: 60 % of 5 requests/, card);
    const bars = card.getByRole('img', { name: /at most 5 in one/ });
    assert.equal(await bars.locator('rect').count(), 2);
    await see(/Duplicates: 60 %/, traffic.locator('.panel').first());
    await traffic.getByRole('img', { name: /last 60 %/ }).waitFor();

    const { counters } = (await operator.get('routes/payments/counters')).json;
    await card.getByText('All counters of payments').click();
    for (const [label, name] of [['Answered from the record', 'replayed'], ['Keys freed', 'released']]) {
      const row = card.getByRole('row', { name: label });
      assert.equal(await row.getByRole('cell').last().textContent(), String(counters[name]));
    }
    assert.equal(await card.getByRole('row').count(), Object.keys(counters).length + 1, 'each counter has its row');
  });
});

test('the counters are asked again by themselves, and a route that only observes is marked', async () => {
  await inConsole(browser, gate, {}, async (page) => {
    const traffic = part(page, 'Traffic');
    await traffic.getByLabel('Ask every').selectOption('5 seconds');
    await see(/^Asked at/, traffic.locator('#asked'));
    await pay(freshKey());
    await see('Sent to the origin: 1', traffic);
    const observed = traffic.locator('.panel').filter({ has: page.getByRole('heading', { name: 'orders' }) });
    assert.equal(await observed.locator('.badge').textContent(), 'observe');
    assert.equal(await traffic.locator('.badge').count(), 1);
  });
});

test('a gate that does not answer is told, and the console goes on when it is back', async () => {
  await inConsole(browser, gate, {}, async (page, complaints) => {
    const traffic = part(page, 'Traffic');
    await see(/^Asked at/, traffic.locator('#asked'));
    await page.context().setOffline(true);
    await traffic.getByRole('button', { name: 'Ask now' }).click();
    await see(/The gate did not answer/, traffic.getByRole('status'));
    await page.context().setOffline(false);
    await traffic.getByRole('button', { name: 'Ask now' }).click();
    await until('the problem is over', async () => (await traffic.getByRole('status').textContent()) === '');
    const lost = complaints.splice(0);
    assert.ok(lost.every((complaint) => complaint.includes('ERR_INTERNET_DISCONNECTED')), lost.join('\n'));
  });
});
