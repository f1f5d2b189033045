// Where the page ends up when a screen cannot be shown.
import { Problem } from '../ui/Problem';
import { Button, ButtonLink } from '../ui/Button';
import { PageHeader } from '../ui/parts';

export function CrashPage({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  return (
    <div className="mx-auto max-w-2xl py-8">
      <Problem
        title="This screen cannot be shown"
        problem={error}
        actions={
          <>
            <Button size="sm" icon="refresh" onClick={onRetry}>
              Try again
            </Button>
            <Button size="sm" onClick={() => window.location.reload()}>
              Load the page anew
            </Button>
          </>
        }
      />
    </div>
  );
}

export function NotFoundPage() {
  return (
    <PageHeader
      title="There is no such page"
      actions={
        <ButtonLink to="/" icon="database">
          All datasets
        </ButtonLink>
      }
    >
      The address may be old, or the dataset was deleted.
    </PageHeader>
  );
}
