// Whom the console shows anything to, and that nothing which it shows can do any harm.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { TOKEN } from '../e2e/support/operator.mjs';
import { until } from '../e2e/support/until.mjs';
import { enter, find, inConsole, part, see } from './support/browser.mjs';
import { ALICE, serveConsole } from './support/served.mjs';

const HOSTILE = '<img src=x onerror="globalThis.hacked=1"><script>globalThis.hacked=1</script>';

const { gate, operator, browser, doubt, recordOf } = await serveConsole();

test('a wrong token opens nothing and is told; the right one opens, is kept nowhere, and is gone after a reload', async () => {
  const { page, complaints, close } = await browser.open(gate);
  try {
    await enter(page, 'some-other-token');
    await see(/token is missing or wrong/, page.getByRole('alert'));
    assert.equal(await part(page, 'Traffic').count(), 0);
    await enter(page);
    await part(page, 'Traffic').waitFor();
    const kept = await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie, location.href]);
    assert.deepEqual(kept, [0, 0, '', `${gate.url}/_oncegate/`]);
    assert.ok(!(await page.content()).includes(TOKEN));
    const ways = [() => page.getByRole('button', { name: 'Forget the token' }).click(), () => page.reload()];
    for (const leave of ways) {
      await leave();
      await page.getByLabel('Token').waitFor();
      assert.equal(await part(page, 'Traffic').count(), 0);
      await enter(page);
      await part(page, 'Traffic').waitFor();
    }
    assert.deepEqual(complaints, []);
  } finally {
    await close();
  }
});

test('what an attacker may have chosen is shown as text: keys, headers, bodies, names and reasons', async () => {
  const key = 'hostile-<img-src=x-onerror=hacked=1>';
  const because = { who: HOSTILE, why: HOSTILE };
  await doubt(key);
  const { id } = await recordOf(key);
  const response = { status: 200, headers: [['content-type', 'text/html'], ['x-hostile', HOSTILE]], body: HOSTILE };
  assert.equal((await operator.resolve('payments', id, { as: 'completed', response, ...because })).status, 200);
  await inConsole(browser, gate, {}, async (page) => {
    const record = await find(page, ALICE, key);
    await see(`${HOSTILE}: ${HOSTILE}`, record);
    assert.equal(await record.getByRole('row', { name: 'x-hostile' }).getByRole('cell').textContent(), HOSTILE);
    await record.getByRole('button', { name: 'Show the body' }).click();
    assert.equal(await record.getByRole('region', { name: 'The stored body' }).textContent(), HOSTILE);
    await find(page, HOSTILE, 'k');
    await see(/There is no such record/, part(page, 'Find a record').getByRole('alert'));
    assert.equal(await page.locator('main img, main script').count(), 0);
    assert.equal(await page.evaluate(() => globalThis.hacked), undefined);
  });
});

test('a token that is not taken any more ends the session, and is told', async () => {
  const { page, close } = await browser.open(gate);
  try {
    await enter(page);
    await see(/^Asked at/, part(page, 'Traffic'));
    await page.route('**/counters?*', (asked) => {
      return asked.continue({ headers: { ...asked.request().headers(), authorization: 'Bearer another' } });
    });
    await part(page, 'Traffic').getByRole('button', { name: 'Ask now' }).click();
    await see('The token is not taken any more', page.getByRole('alert'));
    assert.equal(await part(page, 'Traffic').count(), 0);
    assert.equal(page.url(), `${gate.url}/_oncegate/`);
  } finally {
    await close();
  }
});

test('markup, scripts, styles, and calls of other addresses are forbidden, and it would be seen if the page tried', async () => {
  const { page, complaints, close } = await browser.open(gate);
  try {
    const attacks = {
      'require-trusted-types-for': () => (document.body.innerHTML = '<b>markup</b>'),
      'script-src-elem': () => import('https://elsewhere.example/x.js'),
      'style-src-attr': () => document.body.setAttribute('style', 'color: red'),
      'img-src': () => document.body.append(Object.assign(document.createElement('img'), { src: 'https://elsewhere.example/x.png' })),
      'connect-src': () => fetch('https://elsewhere.example/'),
    };
    for (const [directive, attack] of Object.entries(attacks)) {
      await page.evaluate(attack).catch(() => {}); // some of them throw
      const isTold = () => complaints.some((complaint) => complaint.startsWith(`the policy's ${directive}`));
      await until(`${directive} is seen to be violated`, isTold);
    }
  } finally {
    await close();
  }
});
