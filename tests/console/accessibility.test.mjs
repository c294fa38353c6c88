// That everybody can use the console: judged by axe (WCAG 2.2 AA), and used by keyboard and on a small screen. What it looks like is
// left in target/console/, and with UPDATE_SCREENSHOTS=1 in docs/ too.

import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';

import { AxeBuilder } from '@axe-core/playwright';

import { until } from '../e2e/support/until.mjs';
import { DESKTOP, PHONE, find, inConsole, see } from './support/browser.mjs';
import { ALICE, serveConsole } from './support/served.mjs';

const ROOT = join(import.meta.dirname, '../..');
const PICTURES = join(ROOT, 'target/console');
const STANDARDS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

const { gate, operator, browser, pay, doubt, recordOf } = await serveConsole();

const LOOKS = {
  light: { viewport: DESKTOP, colorScheme: 'light' },
  dark: { viewport: DESKTOP, colorScheme: 'dark' },
  phone: { viewport: PHONE, colorScheme: 'light' },
  'phone-dark': { viewport: PHONE, colorScheme: 'dark' },
};

/** A record with a stored answer and a long story: in doubt, settled by hand, forgotten, and executed. */
async function tell(key) {
  await doubt(key);
  const { id } = await recordOf(key);
  const settled = await operator.resolve('payments', id, { as: 'completed', response: { status: 200 } });
  assert.equal(settled.status, 200, settled.text);
  assert.equal((await operator.forget('payments', id, { why: 'the answer was wrong' })).status, 200);
  assert.equal((await pay(key)).outcome, 'created');
}

/** Traffic of some intervals: payments, their retries, and some of what else can happen. */
async function sendTraffic(page, look) {
  const intervals = [4, 7, 5, 9, 6, 8];
  for (const [interval, count] of intervals.entries()) {
    for (let index = 0; index < count; index += 1) await pay(`${look}-${interval}-${index >> 1}`);
    if (interval % 2) await doubt(`${look}-${interval}-in-doubt`);
    if (interval === 3) await pay(`${look}-3-0`, {}, { amount: 7, currency: 'eur' });
    if (interval > 2) await gate.post('/v1/orders', { json: { order: `${look}-${interval}` } });
    const bars = page.getByRole('img', { name: `each of the last ${interval + 1} intervals` });
    await page.getByRole('button', { name: 'Ask now' }).click();
    await until('the interval is drawn', async () => (await bars.count()) === 4);
  }
}

async function assertAccessible(page, where) {
  const { violations, passes } = await new AxeBuilder({ page }).withTags(STANDARDS).analyze();
  const places = (nodes) => nodes.map(({ html }) => html).join('\n  ');
  assert.deepEqual(violations.map(({ id, help, nodes }) => `${where}: ${id} (${help}): ${places(nodes)}`), []);
  assert.ok(passes.some(({ id }) => id === 'color-contrast'), 'contrasts have been looked at');
}

async function assertFits(page) {
  const [needed, given] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(needed <= given, `the page is ${needed} pixels wide, and there are ${given}`);
}

/** Leaves a picture of the page, and a small one for the documents where that is asked for. */
async function shoot(page, name) {
  await mkdir(PICTURES, { recursive: true });
  const picture = await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true });
  if (process.env.UPDATE_SCREENSHOTS && !name.includes('-')) {
    await writeFile(join(ROOT, `docs/console-${name}.webp`), await browser.asWebp(picture));
  }
}

for (const [name, look] of Object.entries(LOOKS)) {
  test(`axe finds nothing wrong with the entry (${name})`, async () => {
    const { page, close } = await browser.open(gate, look);
    try {
      await assertAccessible(page, 'the entry');
      await assertFits(page);
      await page.getByLabel('Token').fill('another');
      await page.keyboard.press('Enter');
      await page.getByText(/missing or wrong/).waitFor();
      await assertAccessible(page, 'the entry with a problem');
    } finally {
      await close();
    }
  });

  test(`axe finds nothing wrong with the console and its dialogs, and it fits (${name})`, async () => {
    const key = `${name}-story`;
    await inConsole(browser, gate, look, async (page) => {
      await page.getByLabel('Ask every').selectOption('never');
      await see(/^Asked at/, page);
      await sendTraffic(page, name);
      await tell(key);
      await page.getByRole('button', { name: 'List' }).click();
      await page.getByText(/records of payments in state unknown/).first().waitFor();
      await see('Forgotten by an operator', await find(page, ALICE, key));
      await page.evaluate(() => scrollTo(0, 0));
      await shoot(page, name);
      await page.getByRole('button', { name: 'Show the body' }).click();
      await page.getByRole('region', { name: 'The stored body' }).waitFor();
      for (const summary of await page.locator('summary').all()) await summary.click();
      await assertAccessible(page, 'the console');
      await assertFits(page);

      await page.locator('#list tbody button').first().click();
      for (const button of ['It executed: resolve as completed…', 'It did not: resolve as released…', 'Forget…']) {
        await page.getByRole('button', { name: button }).click();
        await assertAccessible(page, button);
        await assertFits(page);
        await page.getByRole('button', { name: 'Cancel' }).click();
      }
    });
  });
}

/** What has the focus, and how that is shown; nothing where the focus is the browser's own. */
function focused() {
  const { activeElement: at } = document;
  if (at === document.body) return undefined;
  const box = at.getBoundingClientRect();
  const { outlineStyle, outlineWidth } = getComputedStyle(at);
  const isShown = box.width > 1 && box.height > 1 && outlineStyle !== 'none' && outlineWidth !== '0px';
  return { name: at.id || at.textContent.trim(), isShown };
}

test('all of it can be reached by keyboard, in the order of the page, and it is seen where the focus is', async () => {
  await inConsole(browser, gate, LOOKS.light, async (page) => {
    await see(/^Asked at/, page);
    const names = [];
    for (;;) {
      await page.keyboard.press('Tab');
      const at = await page.evaluate(focused);
      if (names.includes(at?.name)) break;
      if (!at) continue;
      assert.ok(at.isShown, `it is not seen that ${at.name} has the focus`);
      names.push(at.name);
    }
    // The keyboard comes from the console's content, where the entry has left it, goes to its end, and begins anew.
    assert.deepEqual(names, [
      ...['interval', 'ask-now', 'All counters of all routes', 'All counters of payments'],
      ...['All counters of orders', 'All counters of many'],
      ...['find-route', 'find-scope-0', 'find-key-0', 'Find', 'list-route', 'list-state', 'list-limit', 'List'],
      ...['Skip to the content', 'Traffic', 'Find a record', 'Records', 'leave'],
    ]);
  });
});

test('nothing moves for those who do not want it', async () => {
  const behaviour = async (reducedMotion) => {
    const { page, close } = await browser.open(gate, { reducedMotion });
    const seen = await page.evaluate(() => [
      getComputedStyle(document.documentElement).scrollBehavior,
      document.getAnimations().length,
    ]);
    await close();
    return seen;
  };
  assert.deepEqual(await behaviour('reduce'), ['auto', 0]);
  assert.deepEqual(await behaviour('no-preference'), ['smooth', 0]);
});
