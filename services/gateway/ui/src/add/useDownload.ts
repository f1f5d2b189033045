// Registers a dataset and starts its download, then goes to where it is seen.
import { useNavigate } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { ApiProblem } from '../api/problem';
import { datasetsStore } from '../store/datasetsStore';
import type { Chosen } from './Choices';

interface Order extends Chosen {
  repo_id: string;
  revision: string | undefined;
  token: string;
}

export function useDownload() {
  const navigate = useNavigate();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ApiProblem>();
  // Registered, but not started: the next click must not register it twice.
  const registered = useRef<{ key: string; id: string }>(undefined);

  const start = async ({ repo_id, revision, token, config, split, name, rows, skipBadRows }: Order) => {
    setBusy(true);
    setProblem(undefined);
    const { createDataset, startDownload } = datasetsStore.getState();
    try {
      const key = JSON.stringify([repo_id, revision, config, name]);
      if (registered.current?.key !== key) {
        const { id } = await createDataset({ repo_id, revision, config, name });
        registered.current = { key, id };
      }
      const { id } = registered.current;
      await startDownload(id, {
        split,
        max_samples: rows,
        on_bad_rows: skipBadRows ? 'skip' : undefined,
        hf_token: token === '' ? undefined : token,
      });
      registered.current = undefined;
      await navigate({ to: '/datasets/$id/$tab', params: { id, tab: 'overview' } });
    } catch (cause) {
      setProblem(ApiProblem.from(cause));
    } finally {
      setBusy(false);
    }
  };
  return { busy, problem, start };
}
