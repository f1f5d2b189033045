// The buttons of a card. They are outside of what progress draws again, so a click never misses.
import { memo, useCallback, useState } from 'react';
import type { Dataset } from '../api/client';
import { datasetsStore } from '../store/datasetsStore';
import { Button, ButtonLink, IconButton } from '../ui/Button';
import type { IconName } from '../ui/Icon';
import { toast } from '../ui/toast';
import { actionsOf, actionWord, needsToken, type CardAction } from './actions';
import { DeleteDialog } from './DeleteDialog';
import { TokenDialog } from './TokenDialog';
import { useAction } from './useAction';

const ICONS: Record<CardAction, IconName> = {
  download: 'download',
  resume: 'play',
  retry: 'refresh',
  cancel: 'close',
  tokenize: 'tokens',
};

/** What was asked for before, if anything was. */
function downloadAgain({ id, job }: Dataset, token?: string): Promise<string> {
  const { retryJob, startDownload } = datasetsStore.getState();
  const ended = job?.kind === 'ingest' && (job.state === 'failed' || job.state === 'cancelled');
  if (token === undefined && ended) return retryJob(job);
  return startDownload(id, token === undefined ? {} : { hf_token: token });
}

export const CardActions = memo(function CardActions({ dataset }: { dataset: Dataset }) {
  const { id, name } = dataset;
  const [asks, setAsks] = useState<'delete' | 'token'>();
  const close = useCallback(() => setAsks(undefined), []);
  const [starting, start] = useAction(
    `The download of ${name} could not be started`,
    useCallback((token?: string) => downloadAgain(dataset, token), [dataset]),
  );
  const [cancelling, cancel] = useAction(
    `${name} could not be cancelled`,
    useCallback(() => datasetsStore.getState().cancel(id), [id]),
  );
  const act = async (action: CardAction) => {
    if (action === 'cancel') {
      const downloads = dataset.status === 'downloading';
      if (!(await cancel())) return;
      toast.info(
        `${name}: cancelled`,
        downloads ? 'Partial files are kept; a resume goes on from there.' : undefined,
      );
    } else if (action === 'retry' && needsToken(dataset)) {
      setAsks('token');
    } else {
      await start();
    }
  };
  return (
    <>
      {actionsOf(dataset).map((action) =>
        action === 'tokenize' ? (
          <ButtonLink
            key={action}
            size="sm"
            icon={ICONS.tokenize}
            to="/datasets/$id/$tab"
            params={{ id, tab: 'tokenizations' }}
          >
            {actionWord(action)}
          </ButtonLink>
        ) : (
          <Button
            key={action}
            size="sm"
            icon={ICONS[action]}
            busy={action === 'cancel' ? cancelling : starting}
            onClick={() => void act(action)}
          >
            {actionWord(action)}
          </Button>
        ),
      )}
      <IconButton
        icon="trash"
        label="Delete"
        size="sm"
        className="ml-auto"
        onClick={() => setAsks('delete')}
      />
      <DeleteDialog dataset={dataset} open={asks === 'delete'} onClose={close} />
      {asks === 'token' && (
        <TokenDialog dataset={dataset} onClose={close} onToken={(token) => void start(token)} />
      )}
    </>
  );
});
