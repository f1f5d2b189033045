// Pictures of every screen, for people: light and dark, on a desktop and on a phone. `npm run screenshots`.
import { join } from 'node:path';
import { downloading, EMPTY_PANEL, furnish, PROVOKED, SCREENS } from '../pages/screens';
import { test } from '../stage/test';

const OUT = join(import.meta.dirname, '../screenshots');
const SIZES = { desktop: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };

test.use({ stackName: 'screens', trace: 'off' });

test('every screen is pictured', async ({ page, stack, watch }) => {
  test.setTimeout(600_000);
  watch.expectError(PROVOKED);
  const looks = (['light', 'dark'] as const).flatMap((scheme) =>
    (['desktop', 'phone'] as const).map((size) => ({ scheme, size })),
  );
  const picture = async (name: string, open: () => Promise<void>) => {
    for (const { scheme, size } of looks) {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      await page.setViewportSize(SIZES[size]);
      await open();
      await page.screenshot({
        path: join(OUT, `${name}-${scheme}-${size}.png`),
        fullPage: true,
        animations: 'disabled',
      });
    }
  };
  const nothing = { story: '', first: '', second: '' };
  await picture(EMPTY_PANEL.name, () => EMPTY_PANEL.open(page, nothing));
  const world = await furnish(stack);
  await downloading(stack);
  for (const { name, open } of SCREENS) await picture(name, () => open(page, world));
  console.log(`${(SCREENS.length + 1) * looks.length} pictures in ${OUT}`);
});
