// What can be done with a tokenization in its state. Deleting asks first.
import { useCallback, useState } from 'react';
import { api, done } from '../../api/client';
import { useAction } from '../../panel/useAction';
import { outdate } from '../../store/cache';
import { Button, ButtonLink, Dialog } from '../../ui';
import type { Dataset, Tokenization } from '../queries';
import { RetryTokenization } from './RetryTokenization';

interface TokenizationActionsProps {
  dataset: Dataset;
  tokenization: Tokenization;
  before: Tokenization | undefined;
  onReuse: (tokenization: Tokenization) => void;
  onStatistics: () => void;
}

export function TokenizationActions(props: TokenizationActionsProps) {
  const { dataset, tokenization, before, onReuse, onStatistics } = props;
  const { id, status } = tokenization;
  const page = { id: dataset.id };
  return (
    <div className="flex flex-wrap gap-2">
      {status === 'ready' && (
        <>
          <Button size="sm" icon="info" onClick={onStatistics}>
            Statistics
          </Button>
          <ButtonLink
            size="sm"
            icon="tokens"
            to="/datasets/$id/$tab"
            params={{ ...page, tab: 'samples' }}
            search={{ view: 'tokens', tokenization: id }}
          >
            Browse
          </ButtonLink>
        </>
      )}
      {before && (
        <ButtonLink
          size="sm"
          icon="compare"
          to="/datasets/$id/compare"
          params={page}
          search={{ a: before.id, b: id }}
        >
          Compare
        </ButtonLink>
      )}
      <Button size="sm" icon="copy" onClick={() => onReuse(tokenization)}>
        Use these settings
      </Button>
      {(status === 'pending' || status === 'running') && <CancelButton tokenization={tokenization} />}
      {(status === 'failed' || status === 'cancelled') && <RetryTokenization tokenization={tokenization} />}
      <DeleteButton tokenization={tokenization} />
    </div>
  );
}

function CancelButton({ tokenization: { id, dataset_id } }: { tokenization: Tokenization }) {
  const [busy, cancel] = useAction(
    'The tokenization was not cancelled',
    useCallback(async () => {
      await done(api.POST('/api/v1/tokenizations/{id}/cancel', { params: { path: { id } } }));
      outdate(dataset_id);
    }, [id, dataset_id]),
  );
  return (
    <Button size="sm" icon="close" busy={busy} onClick={() => void cancel()}>
      Cancel
    </Button>
  );
}

function DeleteButton({ tokenization: { id, dataset_id, tokenizer_name } }: { tokenization: Tokenization }) {
  const [isAsking, ask] = useState(false);
  const [busy, remove] = useAction(
    'The tokenization was not deleted',
    useCallback(async () => {
      await done(api.DELETE('/api/v1/tokenizations/{id}', { params: { path: { id } } }));
      outdate(dataset_id);
    }, [id, dataset_id]),
  );
  const confirm = async () => {
    if (await remove()) ask(false);
  };
  return (
    <>
      <Button size="sm" variant="ghost" icon="trash" onClick={() => ask(true)}>
        Delete
      </Button>
      <Dialog
        open={isAsking}
        onClose={() => ask(false)}
        role="alertdialog"
        title={`Delete the tokenization with ${tokenizer_name}?`}
        description="Its sequences and statistics are removed for everybody; the dataset stays."
        footer={
          <>
            <Button onClick={() => ask(false)}>Keep it</Button>
            <Button variant="danger" icon="trash" busy={busy} onClick={() => void confirm()}>
              Delete tokenization
            </Button>
          </>
        }
      />
    </>
  );
}
