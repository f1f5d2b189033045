// Asks before a dataset is deleted, and says what goes with it.
import { useCallback } from 'react';
import type { Dataset } from '../api/client';
import { formatBytes, plural } from '../format';
import { datasetsStore } from '../store/datasetsStore';
import { Button } from '../ui/Button';
import { Dialog } from '../ui/Dialog';
import { toast } from '../ui/toast';
import { useAction } from './useAction';

interface Props {
  dataset: Pick<Dataset, 'id' | 'name' | 'size_bytes' | 'tokenizations' | 'status'>;
  open: boolean;
  onClose: () => void;
  onDeleted?: () => void;
}

export function DeleteDialog({ dataset, open, onClose, onDeleted }: Props) {
  const { id, name } = dataset;
  const [busy, remove] = useAction(
    `${name} could not be deleted`,
    useCallback(() => datasetsStore.getState().deleteDataset(id), [id]),
  );
  const confirm = async () => {
    if (!(await remove())) return;
    toast.good(`${name} was deleted`);
    onClose();
    onDeleted?.();
  };
  return (
    <Dialog
      open={open}
      onClose={onClose}
      role="alertdialog"
      title={<>Delete {name}?</>}
      description={<p>{consequences(dataset)} This cannot be undone.</p>}
      footer={
        <>
          <Button onClick={onClose}>Keep it</Button>
          <Button variant="danger" icon="trash" busy={busy} onClick={() => void confirm()}>
            Delete dataset
          </Button>
        </>
      }
    />
  );
}

function consequences({ size_bytes, tokenizations, status }: Props['dataset']): string {
  const files = size_bytes ? `Its shards (${formatBytes(size_bytes)})` : 'Its record and partial files';
  const also = tokenizations.length > 0 ? ` and ${plural(tokenizations.length, 'tokenization')}` : '';
  const running = status === 'downloading' ? 'The running download is cancelled. ' : '';
  return `${running}${files}${also} go away for everybody, also for training jobs that read them.`;
}
