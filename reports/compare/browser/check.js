// Opens report pages in headless Chromium as a reader would: clicks, filters, follows deep links,
// loads without scripts, measures the time to open, and has axe-core look for barriers.
//
//   apt-get install chromium; (cd reports/compare/browser && npm install)
//   node reports/compare/browser/check.js FOLDER        FOLDER: what //reports/compare:sample_report wrote
//   bazel test //reports/compare:browser_test   the same, skipped where the two are absent
'use strict';
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const {chromium} = require('playwright-core');
const axe = require.resolve('axe-core/axe.min.js');

const folder = path.resolve(process.argv[2]);
const url = (file, hash = '') => 'file://' + path.join(folder, file) + hash;

const checks = {
  async 'the verdict stands in the page without scripts'(browser) {
    const context = await browser.newContext({javaScriptEnabled: false});
    const page = await context.newPage();
    await page.goto(url('report.html'));
    assert.match(await page.locator('.verdict').innerText(), /Does not conform/);
    assert.equal(await page.locator('#filter').isVisible(), false, 'filters need the script');
    await page.locator('.list[data-noun=clauses] .group > summary', {hasText: 'mq_notify'}).click();
    await page.locator('.item summary', {hasText: 'mq_notify.sample_9'}).first().click();
    assert.equal(await page.locator('[id="c-mq_notify.sample_9"] > p').isVisible(), true);
  },

  async 'search and filters narrow both lists and can be cleared'(browser) {
    const page = await browser.newPage();
    await page.goto(url('report.html'));
    const shown = () => page.locator('#filter output').innerText();
    assert.match(await shown(), /44 of 44 clauses, 40 of 40 tests/);
    await page.getByLabel('Result').selectOption('FAIL');
    assert.match(await shown(), /1 of 44 clauses, 1 of 40 tests/);
    await page.getByRole('button', {name: 'Clear'}).click();
    await page.getByLabel('Search').fill('mq_send sample_8');
    assert.match(await shown(), /^Shown: 1 of 44 clauses/);
    assert.equal(await page.locator('.item:not(.hidden)').first().isVisible(), true, 'its group is open');
    await page.getByLabel('Search').fill('mq-send sample-8');
    assert.match(await shown(), /^Shown: 1 of 44 clauses, 1 of 40 tests/, 'hyphens do not matter');
    await page.getByLabel('Search').fill('requirement number 40:');
    assert.match(await shown(), /^Shown: 1 of 44 clauses, 1 of 40 tests/, 'a test is found by what its clause requires');
    await page.getByLabel('Search').fill('');
    await page.locator('select[name=interface]').selectOption('mq_notify');
    await page.getByLabel('Kind').selectOption('shall-error');
    const visible = await page.locator('.item:not(.hidden)').count();
    assert.ok(visible > 0 && visible < 10, `${visible} visible`);
    await page.getByRole('button', {name: 'Clear'}).click();
    await page.getByLabel('Confidence').selectOption('heuristic');
    assert.match(await shown(), /1 of 44 clauses, 1 of 40 tests/);
  },

  async 'a count leads to its results'(browser) {
    const page = await browser.newPage();
    await page.goto(url('report.html'));
    await page.locator('.counts a', {hasText: 'XFAIL'}).click();
    assert.equal(await page.getByLabel('Result').inputValue(), 'XFAIL');
    assert.equal(await page.locator('.item:not(.hidden)').count(), 2);
  },

  async 'deep links open what they point at, a filter in the way notwithstanding'(browser) {
    const page = await browser.newPage();
    await page.goto(url('report.html', '#c-mq_notify.sample_9'));
    assert.equal(await page.locator('[id="c-mq_notify.sample_9"] > p').isVisible(), true);
    await page.getByLabel('Result').selectOption('PASS');
    await page.evaluate(() => { location.hash = '#t-Mkfifo.BehavesAsSample13'; });
    await page.waitForFunction(() => document.getElementById('t-Mkfifo.BehavesAsSample13').checkVisibility());
    const box = await page.locator('[id="t-Mkfifo.BehavesAsSample13"]').boundingBox();
    assert.ok(box.y < 800, 'scrolled to');
  },

  async 'the keyboard searches and steps through findings'(browser) {
    const page = await browser.newPage();
    await page.goto(url('report.html'));
    await page.keyboard.press('n');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'f-Mq_notify.BehavesAsSample9');
    await page.keyboard.press('/');
    assert.equal(await page.evaluate(() => document.activeElement.name), 'q');
    await page.keyboard.type('sample_9');
    await page.keyboard.press('Escape');
    assert.equal(await page.getByLabel('Search').inputValue(), '');
  },

  async 'a comparison shows differences first and alone when asked'(browser) {
    const page = await browser.newPage();
    await page.goto(url('comparison.html'));
    assert.match(await page.locator('.verdict').innerText(), /1 test regressed against debian-12/);
    await page.getByLabel('Show').selectOption('differences');
    assert.equal(await page.locator('.item:not(.hidden)').count(), await page.locator('.item[data-d]').count());
    await page.locator('#differences ~ .scroll a').first().click();
    assert.equal(await page.locator('.item[open]').count(), 1);
  },

  async 'nothing is wider than a telephone, and print has no controls'(browser) {
    const page = await browser.newPage({viewport: {width: 400, height: 800}});
    for (const file of ['report.html', 'comparison.html', 'history.html']) {
      await page.goto(url(file));
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 400, file);
    }
    await page.emulateMedia({media: 'print'});
    assert.equal(await page.locator('#filter').isVisible(), false);
  },

  async 'a hostile script in the result does not run'(browser) {
    const page = await browser.newPage();
    const hostile = path.join(folder, 'hostile.html');
    const html = fs.readFileSync(path.join(folder, 'report.html'), 'utf8');
    fs.writeFileSync(hostile, html.replace('<svg ', '<svg onload="window.ran=1" ').replace('</svg>', '<script>window.ran=1</script></svg>'));
    await page.goto('file://' + hostile);
    assert.equal(await page.evaluate(() => window.ran), undefined);
  },

  async 'large pages open in under a second'(browser) {
    if (!fs.existsSync(path.join(folder, 'large'))) return;
    for (const file of ['large/report.html', 'large/comparison.html', 'large/history.html']) {
      const size = fs.statSync(path.join(folder, file)).size;
      assert.ok(size < 3e6, `${file}: ${size} bytes`);
      // Processor time of the page's main thread: the page is judged, not the load of the machine.
      const page = await browser.newPage();
      const cdp = await page.context().newCDPSession(page);
      await cdp.send('Performance.enable', {timeDomain: 'threadTicks'});
      await page.goto(url(file));
      const wall = await page.evaluate(() => performance.getEntriesByType('navigation')[0].loadEventEnd);
      const {metrics} = await cdp.send('Performance.getMetrics');
      const cpu = metrics.find((m) => m.name === 'TaskDuration').value * 1000;
      console.log(`     ${file}: ${size} bytes, opened in ${Math.round(wall)} ms, of them ${Math.round(cpu)} ms processor time`);
      assert.ok(cpu > 0 && cpu < 1000, `${file}: ${cpu} ms`);
      await page.close();
    }
  },

  async 'axe-core finds no serious barrier, light and dark, wide and narrow'(browser) {
    for (const colorScheme of ['light', 'dark']) {
      for (const width of [1280, 400]) {
        const page = await browser.newPage({colorScheme, viewport: {width, height: 900}});
        for (const file of ['report.html', 'comparison.html', 'history.html']) {
          await page.goto(url(file, '#t-Mq_notify.BehavesAsSample9'));
          // The page's policy keeps other scripts out; the debugger's own evaluation is exempt.
          await page.evaluate(fs.readFileSync(axe, 'utf8'));
          const result = await page.evaluate(() => axe.run(document, {resultTypes: ['violations']}));
          const serious = result.violations.filter((v) => ['serious', 'critical'].includes(v.impact));
          const told = result.violations.map((v) => `${v.impact} ${v.id}: ${v.nodes.length} x ${v.nodes[0].html.slice(0, 160)}`);
          if (told.length > 0) console.log(`     ${file} ${colorScheme} ${width}: ${told.join('; ')}`);
          assert.equal(serious.length, 0, told.join('\n'));
        }
        await page.close();
      }
    }
  },
};

(async () => {
  const browser = await chromium.launch({executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: ['--no-sandbox']});
  let failed = 0;
  for (const [name, check] of Object.entries(checks)) {
    try {
      await check(browser);
      console.log(`ok   ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`FAIL ${name}\n${error.message}`);
    }
  }
  await browser.close();
  console.log(`${Object.keys(checks).length - failed} passed, ${failed} failed`);
  process.exit(failed === 0 ? 0 : 1);
})();
