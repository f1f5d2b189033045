// The statistics of one tokenization as a dialog over the list of tokenizations.
import type { Tokenization } from '../api/client';
import { Dialog } from '../ui';
import { StatisticsLoader } from './StatisticsLoader';

interface TokenizationStatsModalProps {
  tokenization: Tokenization | undefined;
  datasetName: string;
  onClose: () => void;
}

export function TokenizationStatsModal({ tokenization, datasetName, onClose }: TokenizationStatsModalProps) {
  return (
    <Dialog
      open={tokenization !== undefined}
      onClose={onClose}
      title={`Statistics of ${tokenization?.tokenizer_name ?? ''}`}
      size="xl"
    >
      {tokenization && (
        <StatisticsLoader tokenization={tokenization} datasetName={datasetName}>
          {(exportButton) => <div className="mb-4">{exportButton}</div>}
        </StatisticsLoader>
      )}
    </Dialog>
  );
}
