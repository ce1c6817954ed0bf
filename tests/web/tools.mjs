// A browser for the tests that take one. It needs Chromium (CHROMIUM, or `chromium` in the path) and the packages of
// package.json, in a folder that WEB_MODULES names, since none are kept here.

import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { binary } from './lab.mjs';

function found() {
  const modules = process.env.WEB_MODULES;
  if (!modules) return 'WEB_MODULES is not set';
  // Who says where they are means it: what is missing then is an error.
  const chromium = process.env.CHROMIUM ?? execFileSync('sh', ['-c', 'command -v chromium || command -v google-chrome'], { encoding: 'utf8' }).trim();
  const require = createRequire(join(modules, 'package.json'));
  return { chromium, playwright: require('playwright-core'), axe: require.resolve('axe-core/axe.min.js') };
}
const tools = found();

/** For tests that take a browser: they are left out, with a word, where there is none. */
export const options = { skip: typeof tools === 'string' ? tools : false };

export const launch = () => tools.playwright.chromium.launch({ executablePath: tools.chromium, args: ['--no-sandbox'] });

/** Opens a page, and collects all that goes wrong in it. */
export async function open(browser, address, context = {}) {
  const page = await (await browser.newContext({ locale: 'en-GB', ...context })).newPage();
  page.wrong = [];
  page.on('pageerror', (error) => page.wrong.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && page.wrong.push(message.text()));
  page.on('dialog', (dialog) => { page.wrong.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  await page.goto(String(address));
  return page;
}

/** What axe-core finds. It is put in by the test's own hand, which no content policy hinders. */
export async function axe(page) {
  await page.evaluate(readFileSync(tools.axe, 'utf8'));
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('; ')}`);
}

/** Keeps a picture of a page, where WEB_PICTURES says. */
export async function picture(page, name) {
  const folder = process.env.WEB_PICTURES;
  if (!folder) return;
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}

/** Starts the real server on a workspace; returns its address, and what ends it. */
export async function serve(workspace, ...more) {
  const child = spawn(binary, ['serve', '--listen', '127.0.0.1:0', ...more], {
    cwd: workspace.dir, env: { ...workspace.environment(), RUST_LOG: 'error' }, stdio: ['ignore', 'pipe', 'inherit'],
  });
  process.on('exit', () => child.kill());
  const line = await new Promise((resolve, reject) => {
    child.stdout.once('data', (data) => resolve(String(data)));
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  });
  const base = line.trim().split(' ').pop().replace(/\/$/, '');
  return { base, end: () => new Promise((resolve) => { child.once('exit', resolve); child.kill(); }) };
}
