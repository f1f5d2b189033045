// The frame of all screens: the way to the content, the sections, the state of the connection, the theme.
import { Link, Outlet } from '@tanstack/react-router';
import { Icon, type IconName } from '../ui/Icon';
import { Toaster } from '../ui/Toaster';
import { ConnectionBanner } from './ConnectionBanner';
import { LiveRegion } from './LiveRegion';
import { ThemeSwitch } from './ThemeSwitch';
import { useDatasetsFeed } from '../live/useDatasetsFeed';
import { useShortcuts } from './useShortcuts';

export function Shell() {
  useShortcuts();
  // Lists that are not on the screen stay right as well.
  useDatasetsFeed();
  return (
    <div className="flex min-h-dvh flex-col">
      <a
        href="#content"
        className="sr-only z-50 rounded-md bg-raised px-3 py-2 text-sm font-medium shadow-pop focus:not-sr-only focus:fixed focus:top-2 focus:left-2"
      >
        Skip to the content
      </a>
      <header className="sticky top-0 z-30 border-b border-line bg-surface">
        <div className="mx-auto flex h-12 max-w-7xl items-center gap-1 px-3 sm:gap-2 sm:px-6">
          <Link
            to="/"
            className="mr-1 flex items-center gap-2 rounded-md font-semibold tracking-tight sm:mr-4"
          >
            <img src="/favicon.svg" alt="" width={22} height={22} />
            <span className="max-sm:sr-only">Tokenmill</span>
          </Link>
          <nav aria-label="Sections" className="flex items-center gap-0.5">
            <Section to="/" icon="database" word="Datasets" exact />
            <Section to="/add" icon="add" word="Add" />
            <Section to="/jobs" icon="list" word="Jobs" />
          </nav>
          <div className="ml-auto flex items-center gap-2 sm:gap-3">
            <ConnectionBanner />
            <ThemeSwitch />
          </div>
        </div>
      </header>
      <main
        id="content"
        tabIndex={-1}
        className="mx-auto w-full max-w-7xl flex-1 px-3 py-5 outline-none sm:px-6 sm:py-6"
      >
        <Outlet />
      </main>
      <LiveRegion />
      <Toaster />
    </div>
  );
}

function Section({
  to,
  icon,
  word,
  exact = false,
}: {
  to: '/' | '/add' | '/jobs';
  icon: IconName;
  word: string;
  exact?: boolean;
}) {
  return (
    <Link
      to={to}
      activeOptions={{ exact, includeSearch: false }}
      className="inline-flex h-8 items-center gap-1.5 rounded-md px-2 whitespace-nowrap text-sm font-medium text-muted hover:bg-hover hover:text-ink sm:px-2.5 [&.active]:bg-hover [&.active]:text-ink"
    >
      <Icon name={icon} size={14} className="max-sm:hidden" />
      {word}
    </Link>
  );
}
