// How far a running tokenization is. It alone is drawn again as progress comes, not the buttons beside it.
import { useState } from 'react';
import { useLiveTokenization } from '../../live/useDatasetFeed';
import { LiveJobView } from '../../panel/LiveJobView';
import { Progress } from '../../ui';
import type { Job, Tokenization } from '../queries';

interface Props {
  tokenization: Tokenization;
  /** The record of its job, where it is known. */
  job?: Job | null | undefined;
}

export function TokenizationProgress({ tokenization, job }: Props) {
  const live = useLiveTokenization(tokenization.dataset_id, tokenization.id);
  const [wasLive, setWasLive] = useState(false);
  if (live !== undefined && !wasLive) setWasLive(true);
  if (tokenization.status !== 'pending' && tokenization.status !== 'running') return null;
  const label = `Tokenization with ${tokenization.tokenizer_name}`;
  if (live !== undefined) {
    const { dataset_id } = tokenization;
    return <LiveJobView label={label} live={live} unit="rows" datasetId={dataset_id} job={job} />;
  }
  // Its end is heard a moment before the record says how it ended.
  return <Progress label={label} text={wasLive ? 'Finishing' : 'Waiting for a worker'} />;
}
