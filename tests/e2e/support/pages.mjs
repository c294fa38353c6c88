// What pages of docs/ show, so that tests can do it.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { Child } from './processes.mjs';

export const pathOf = (page) => join(import.meta.dirname, '../../../docs', page);

/** The blocks of a page that name a language, each with its `language` and `text`. */
export async function blocks(page) {
  const content = await readFile(pathOf(page), 'utf8');
  return [...content.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language, text]) => ({ language, text }));
}

/** The only block of a language, or of those the only one with these words. */
export async function block(page, language, words = '') {
  const fitting = (await blocks(page)).filter((each) => each.language === language && each.text.includes(words));
  assert.equal(fitting.length, 1, `${page} has ${fitting.length} blocks of ${language} with ${JSON.stringify(words)}`);
  return fitting[0].text;
}

/** The commands that a page shows with what comes of them, in order: each with the lines that are `shown`. */
export async function consoles(page) {
  const texts = (await blocks(page)).filter(({ language }) => language === 'console').map(({ text }) => text);
  return texts.flatMap((text) => text.split(/^\$ /m).slice(1)).map(commandOf);
}

function commandOf(text) {
  const [, command, rest] = /^((?:[^\n]*\\\n)*[^\n]*\n)(.*)$/s.exec(text);
  return { command: command.trim(), shown: rest.split('\n').filter(Boolean) };
}

/** Runs such a command, after `adapt` has put the addresses of the test into it, and asserts that it writes what is shown. */
export async function assertShows({ command, shown }, adapt) {
  const { end, output } = await new Child(command, 'sh', ['-c', adapt(command)]).toItsEnd(120);
  assert.equal(end.code, 0, output);
  const lines = output.split(/\r?\n/);
  for (const line of shown) assert.ok(lines.includes(line), `${command}\ndoes not show ${JSON.stringify(line)}, but\n${output}`);
}
