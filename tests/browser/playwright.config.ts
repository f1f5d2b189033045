// How the pages are tried: one Chromium, one test at a time, since side by side they would measure each other.
import { defineConfig, devices } from '@playwright/test';

// Quiet: the browser itself asks nobody for anything, so every request that is seen was the page's.
const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export default defineConfig({
  outputDir: 'results',
  workers: 1,
  forbidOnly: process.env['CI'] !== undefined,
  // Waiting ends with an event; these are only for what never comes, on a machine that is busy.
  timeout: 180_000,
  expect: { timeout: 30_000 },
  globalTimeout: 30 * 60_000,
  reporter: [['list', { printSteps: false }]],
  use: {
    ...devices['Desktop Chrome'],
    viewport: { width: 1280, height: 800 },
    permissions: ['clipboard-read', 'clipboard-write'],
    launchOptions: { executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium', args },
    screenshot: 'only-on-failure',
    trace: 'retain-on-failure',
  },
  projects: [
    { name: 'tests', testDir: 'specs' },
    { name: 'screenshots', testDir: 'screens' },
  ],
});
