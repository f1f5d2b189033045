// How far a running tokenization is. It alone is drawn again as progress comes, not the buttons beside it.
import { useLiveTokenization } from '../../live/useDatasetFeed';
import { LiveJobView } from '../../panel/LiveJobView';
import { Progress } from '../../ui';
import type { Tokenization } from '../queries';

export function TokenizationProgress({ tokenization }: { tokenization: Tokenization }) {
  const live = useLiveTokenization(tokenization.dataset_id, tokenization.id);
  if (tokenization.status !== 'pending' && tokenization.status !== 'running') return null;
  const label = `Tokenization with ${tokenization.tokenizer_name}`;
  return live === undefined ? (
    <Progress label={label} text="Waiting for a worker" />
  ) : (
    <LiveJobView label={label} live={live} unit="rows" datasetId={tokenization.dataset_id} />
  );
}
