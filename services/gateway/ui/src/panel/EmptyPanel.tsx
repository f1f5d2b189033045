// The panel before there is anything: three repositories to try, files to drop, and the same on the command line.
import { Link } from '@tanstack/react-router';
import { CopyButton } from '../ui/CopyButton';
import { Icon } from '../ui/Icon';

export const EXAMPLES = [
  { repo: 'roneneldan/TinyStories', what: 'Short stories in simple English; a quick first run.' },
  { repo: 'Salesforce/wikitext', what: 'Articles of Wikipedia, in several configurations.' },
  { repo: 'HuggingFaceH4/ultrachat_200k', what: 'Conversations, for chat templates.' },
] as const;

const COMMAND = `tokenmill dataset add ${EXAMPLES[0].repo}\ntokenmill dataset pull ${EXAMPLES[0].repo}`;

export function EmptyPanel() {
  return (
    <div className="rounded-lg border border-dashed border-line-strong bg-surface px-5 py-10 sm:px-10">
      <div className="mx-auto max-w-3xl">
        <h2 className="text-xl font-semibold tracking-tight">No datasets yet</h2>
        <p className="mt-1 text-muted">
          A dataset is downloaded once, tokenized as often as you like, and read by training jobs over Arrow
          Flight.
        </p>
        <h3 className="mt-6 mb-2 text-sm font-semibold">Try one from the Hugging Face Hub</h3>
        <ul className="grid gap-2.5 sm:grid-cols-3">
          {EXAMPLES.map(({ repo, what }) => (
            <li key={repo}>
              <Link
                to="/add"
                search={{ repo }}
                data-list-item=""
                className="flex h-full flex-col gap-1 rounded-lg border border-line bg-canvas p-3 hover:border-accent hover:bg-accent-soft"
              >
                <span className="text-sm font-medium">{repo}</span>
                <span className="text-xs text-muted">{what}</span>
              </Link>
            </li>
          ))}
        </ul>
        <div className="mt-6 grid gap-6 sm:grid-cols-2">
          <section aria-label="Files">
            <h3 className="mb-2 text-sm font-semibold">Or use files of your own</h3>
            <Link
              to="/add"
              className="flex items-center gap-3 rounded-lg border border-dashed border-line-strong bg-canvas p-4 text-sm hover:border-accent hover:bg-accent-soft"
            >
              <Icon name="upload" size={20} className="text-muted" />
              <span>
                <span className="font-medium">Drop a file anywhere on this page</span>
                <span className="block text-xs text-muted">
                  Parquet, JSON Lines, CSV, text, Arrow, tar or zip
                </span>
              </span>
            </Link>
          </section>
          <section aria-label="Command line" className="min-w-0">
            <h3 className="mb-2 text-sm font-semibold">Or the command line</h3>
            <div className="flex items-start justify-between gap-2 rounded-lg border border-line bg-sunken p-3">
              <pre className="min-w-0 overflow-x-auto font-mono text-2xs leading-5">{COMMAND}</pre>
              <CopyButton text={COMMAND} label="Copy commands" quiet />
            </div>
          </section>
        </div>
      </div>
    </div>
  );
}
