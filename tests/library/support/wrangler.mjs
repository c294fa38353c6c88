// Workers of examples/, run by wrangler as a person would run them: built by their own commands, with their ledgers on disk.

import { join } from 'node:path';

import { temporaryFolder } from '../../e2e/support/gate.mjs';
import { open, send } from '../../e2e/support/http.mjs';
import { Child } from '../../e2e/support/processes.mjs';

const ROOT = join(import.meta.dirname, '../../..');
const BUILD_SECONDS = 1000; // the first start compiles the crate `worker` and what it depends on

const home = await temporaryFolder();
const ENVIRONMENT = {
  ...process.env,
  // Wrangler asks nobody, and keeps what it notes down out of the user's own folders.
  ...{ XDG_CONFIG_HOME: home.path, CI: '1', WRANGLER_SEND_METRICS: 'false', WRANGLER_HIDE_BANNER: 'true' },
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
  // worker-build would download its tools.
  PATH: `${join(ROOT, 'target/tools/bin')}:${join(ROOT, 'node_modules/.bin')}:${process.env.PATH}`,
  WASM_BINDGEN_BIN: join(ROOT, 'target/tools/bin/wasm-bindgen'),
  WASM_OPT_BIN: join(ROOT, 'node_modules/.bin/wasm-opt'),
  ESBUILD_BIN: join(ROOT, 'node_modules/.bin/esbuild'),
  CARGO_TARGET_DIR: join(ROOT, 'target/library'),
};

/**
 * Starts Workers of `examples/` by these configuration files, the one that gets the requests first, and waits until they are ready.
 * `restart` starts them again on the same ledgers, in place.
 */
export async function startWorkers(...files) {
  const state = await temporaryFolder();
  const configs = files.flatMap((file) => ['--config', join(ROOT, 'examples', file)]);
  const ports = ['--ip', '127.0.0.1', '--port', '0', '--inspector-port', '0'];
  const workers = {
    async restart() {
      const wrangler = join(ROOT, 'node_modules/.bin/wrangler');
      const cwd = join(ROOT, 'examples', files[0], '..');
      const words = ['dev', ...configs, ...ports, '--persist-to', state.path];
      workers.child = new Child('wrangler dev', wrangler, words, { cwd, env: ENVIRONMENT });
      [, workers.url] = await workers.child.says(/Ready on (http:\/\/127\.0\.0\.1:\d+)/, BUILD_SECONDS);
    },

    /** The polite end. */
    async stop() {
      await workers.child.stop('SIGINT');
      state.forget();
    },

    /** The end by surprise. */
    kill9: () => workers.child.kill9(),

    open: (method, path, options) => open(workers.url, method, path, options),
    send: (method, path, options) => send(workers.url, method, path, options),
  };
  await workers.restart();
  return workers;
}
