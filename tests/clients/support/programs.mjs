// Clients that are programs.

import { join } from 'node:path';

import { Child } from '../../e2e/support/processes.mjs';

const ROOT = join(import.meta.dirname, '../../..');

/** Where `cargo xtask test clients` puts the clients that it installs and builds. */
export const INSTALLED = process.env.ONCEGATE_CLIENTS ?? join(ROOT, 'target/clients');

/** Runs a program that pays, and gives the payment that it prints. Fails as the program does, with what it said. */
export async function payBy(name, command, args) {
  const child = new Child(name, command, args, { env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' } });
  const { code } = await child.exited;
  if (code !== 0) throw new Error(`${name} ended with code ${code}:\n${child.output}`);
  return JSON.parse(/\{[^{}]*\}/.exec(child.output)[0]); // curl has told of its failed tries there too
}
