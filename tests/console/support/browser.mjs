// The console of a gate in Chromium, as an operator sees it.

import assert from 'node:assert/strict';
import { after } from 'node:test';

import { chromium } from 'playwright-core';

import { TOKEN } from '../../e2e/support/operator.mjs';

/** Debian's; elsewhere CHROMIUM says where it is. */
const PROGRAM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const PATIENCE_MS = 30_000;

export const DESKTOP = { width: 1280, height: 900 };
export const PHONE = { width: 320, height: 640 };

/** Starts a browser for all tests of a file. */
export async function startBrowser() {
  const browser = await chromium.launch({ executablePath: PROGRAM });
  after(() => browser.close());
  return {
    /** Opens the console of a gate, or another page, in a browser without any memory. */
    async open(gate, { path = '/_oncegate/', viewport = DESKTOP, colorScheme = 'light', reducedMotion = 'reduce' } = {}) {
      const context = await browser.newContext({ viewport, colorScheme, reducedMotion });
      context.setDefaultTimeout(PATIENCE_MS);
      const page = await context.newPage();
      const complaints = listen(page);
      await page.addInitScript(reportViolations);
      await page.goto(`${gate.url}${path}`);
      return { page, complaints, close: () => context.close() };
    },

    /** A picture in PNG as WebP, which is a fraction as large. */
    async asWebp(png) {
      const page = await browser.newPage();
      const encoded = await page.evaluate(toWebp, png.toString('base64'));
      await page.close();
      return Buffer.from(encoded, 'base64');
    },
  };
}

/** What the browser complains of: errors of scripts, and whatever the page's policy forbids. A refusal by the API is no error. */
function listen(page) {
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(`${error}`));
  page.on('console', (message) => {
    const isRefusal = message.text().startsWith('Failed to load resource: the server responded with a status of');
    if (['error', 'warning'].includes(message.type()) && !isRefusal) complaints.push(message.text());
  });
  return complaints;
}

async function toWebp(png) {
  const picture = await (await fetch(`data:image/png;base64,${png}`)).blob().then(createImageBitmap);
  // On a phone the page is very long, and a document need not show all of it.
  const size = { width: picture.width, height: Math.min(picture.height, 1700) };
  const canvas = Object.assign(document.createElement('canvas'), size);
  canvas.getContext('2d').drawImage(picture, 0, 0);
  return canvas.toDataURL('image/webp', 0.6).split(',')[1];
}

function reportViolations() {
  document.addEventListener('securitypolicyviolation', (event) => {
    console.error(`the policy's ${event.violatedDirective} forbids ${event.blockedURI} ${event.sample}`);
  });
}

/** Gives the token at the entry. */
export async function enter(page, token = TOKEN) {
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Open' }).click();
}

/** The part of the console with this title, as a screen reader names it. */
export function part(page, name) {
  return page.getByRole('region', { name, exact: true });
}

/** Waits until a text is there. */
export function see(text, within) {
  return within.getByText(text).first().waitFor();
}

/** Looks a payment's record up, and gives the part of the console that will show it. */
export async function find(page, scope, key) {
  const form = part(page, 'Find a record');
  await form.getByLabel('Scope: header:authorization').fill(scope);
  await form.getByLabel('Key: header:idempotency-key').fill(key);
  await form.getByRole('button', { name: 'Find' }).click();
  return part(page, 'Record');
}

/** Does something in a console that is open, and sees to it that the browser did not complain meanwhile. */
export async function inConsole(browser, gate, look, work) {
  const { page, complaints, close } = await browser.open(gate, look);
  try {
    await enter(page);
    await part(page, 'Traffic').waitFor();
    await work(page, complaints);
    assert.deepEqual(complaints, []);
  } finally {
    await close();
  }
}
