// A dataset of the Hub: look at what the repository holds, choose, download.
import { useQuery } from '@tanstack/react-query';
import { useState, type SyntheticEvent } from 'react';
import { inspectQuery } from '../api/queries';
import { ApiProblem } from '../api/problem';
import { Button } from '../ui/Button';
import { Field, TextInput } from '../ui/Field';
import { Card } from '../ui/parts';
import { Problem } from '../ui/Problem';
import { Choices, type Chosen } from './Choices';
import { PreviewSkeleton, RepoPreview } from './RepoPreview';
import { readRepo } from './repo';
import { TokenField } from './TokenField';
import { useDownload } from './useDownload';

interface Asked {
  repo_id: string;
  revision: string | undefined;
  /** Counts the clicks on Preview. */
  ask: number;
}

/** A repository that came with the address is looked at without a click. */
export function DownloadForm({ repo: given }: { repo: string | undefined }) {
  const [repo, setRepo] = useState(given ?? '');
  const [revision, setRevision] = useState('');
  const [token, setToken] = useState('');
  const [asked, setAsked] = useState<Asked | undefined>(
    given === undefined ? undefined : { repo_id: given, revision: undefined, ask: 0 },
  );
  const [chosen, setChosen] = useState<Chosen>({});
  const { config, split } = chosen;
  const preview = useQuery({
    ...inspectQuery(
      { repo_id: asked?.repo_id ?? '', revision: asked?.revision, config, split },
      asked?.ask ?? 0,
      token,
    ),
    enabled: asked !== undefined,
    placeholderData: (before, query) =>
      query?.queryKey[1] === asked?.repo_id && query?.queryKey[3] === asked?.ask ? before : undefined,
  });
  const download = useDownload();
  const input = { repo_id: repo, revision: revision === '' ? undefined : revision };
  const isAsked = asked?.repo_id === input.repo_id && asked.revision === input.revision;
  const seen = isAsked ? preview.data : undefined;

  const type = (typed: string) => {
    const read = readRepo(typed);
    // While an id is typed, nothing is taken away from it.
    setRepo(read.revision === undefined && !typed.includes('//') ? typed.trim() : read.repo);
    if (read.revision !== undefined) setRevision(read.revision);
  };
  const look = (event: SyntheticEvent) => {
    event.preventDefault();
    const read = readRepo(repo).repo;
    if (read === '') return;
    setRepo(read);
    setChosen({});
    setAsked({ repo_id: read, revision: input.revision, ask: (asked?.ask ?? 0) + 1 });
  };
  const start = () => {
    const commit = seen?.commit_sha;
    void download.start({
      ...chosen,
      repo_id: readRepo(repo).repo,
      revision: commit ?? input.revision,
      token,
    });
  };
  const problem = preview.error ? ApiProblem.from(preview.error) : undefined;
  return (
    <section aria-labelledby="from-hub" className="contents">
      <Card className="p-4 sm:p-5 lg:order-1">
        <h2 id="from-hub" className="mb-3 font-semibold">
          From the Hugging Face Hub
        </h2>
        <form onSubmit={look} className="space-y-4" noValidate>
          <div className="grid gap-4 sm:grid-cols-[minmax(0,1fr)_11rem]">
            <Field
              label="Repository"
              error={fieldError(problem, 'repo_id', 'INVALID_REPO_ID')}
              hint="An id as on the Hub, or the address of its page."
            >
              {(wiring) => (
                <TextInput
                  {...wiring}
                  // eslint-disable-next-line jsx-a11y/no-autofocus -- the page is this form
                  autoFocus={given === undefined}
                  autoCapitalize="none"
                  placeholder="owner/name"
                  value={repo}
                  onChange={(event) => type(event.target.value)}
                />
              )}
            </Field>
            <Field
              label="Revision"
              error={fieldError(problem, 'revision', 'INVALID_REVISION')}
              hint="Branch, tag or commit."
            >
              {(wiring) => (
                <TextInput
                  {...wiring}
                  autoCapitalize="none"
                  placeholder="default branch"
                  value={revision}
                  onChange={(event) => setRevision(event.target.value.trim())}
                />
              )}
            </Field>
          </div>
          <TokenField value={token} onChange={setToken} />
          <Choices repo={seen} chosen={chosen} onChoose={setChosen} />
          <div className="flex flex-wrap gap-2">
            <Button
              type="submit"
              icon="search"
              busy={preview.isFetching}
              disabled={repo === ''}
              variant={seen ? 'secondary' : 'primary'}
            >
              Preview
            </Button>
            <Button
              icon="download"
              busy={download.busy}
              disabled={repo === ''}
              variant={seen ? 'primary' : 'secondary'}
              onClick={start}
            >
              Download
            </Button>
          </div>
        </form>
      </Card>
      <div className="min-w-0 space-y-4 empty:hidden lg:order-3 lg:col-span-2">
        {download.problem !== undefined && (
          <Problem problem={download.problem} title={download.problem.title} />
        )}
        {problem !== undefined && !preview.isFetching && <Problem problem={problem} />}
        {preview.isLoading && <PreviewSkeleton />}
        {preview.data !== undefined && isAsked && (
          <RepoPreview
            repoId={asked.repo_id}
            repo={preview.data}
            chosen={chosen}
            onChoose={setChosen}
            stale={preview.isPlaceholderData}
          />
        )}
      </div>
    </section>
  );
}

/** Under its field only what is about that field; the whole problem stands below the form. */
function fieldError(problem: ApiProblem | undefined, field: string, reason: string): string | undefined {
  return problem?.of(field) ?? (problem?.reason === reason ? problem.detail : undefined);
}
