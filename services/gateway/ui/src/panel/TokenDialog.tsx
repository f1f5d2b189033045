// Asks for a Hugging Face token, when the Hub wants to know who downloads.
import { useState } from 'react';
import type { Dataset } from '../api/client';
import { Button } from '../ui/Button';
import { Dialog } from '../ui/Dialog';
import { Problem } from '../ui/Problem';
import { TokenField } from '../add/TokenField';

interface Props {
  dataset: Dataset;
  onClose: () => void;
  onToken: (token: string | undefined) => void;
}

export function TokenDialog({ dataset, onClose, onToken }: Props) {
  const [token, setToken] = useState('');
  const send = () => {
    onToken(token === '' ? undefined : token);
    onClose();
  };
  return (
    <Dialog
      open
      onClose={onClose}
      title={<>Try {dataset.name} again</>}
      footer={
        <>
          <Button onClick={onClose}>Not now</Button>
          <Button variant="primary" icon="refresh" onClick={send}>
            Try again
          </Button>
        </>
      }
    >
      <div className="space-y-4">
        {dataset.error && <Problem problem={dataset.error} compact />}
        <TokenField value={token} onChange={setToken} />
      </div>
    </Dialog>
  );
}
