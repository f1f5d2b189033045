// Runs an action of a button: busy while it runs, a message when it fails.
import { useCallback, useState } from 'react';
import { toast } from '../ui/toast';

export function useAction<A extends unknown[]>(failure: string, act: (...args: A) => Promise<unknown>) {
  const [busy, setBusy] = useState(false);
  const run = useCallback(
    async (...args: A): Promise<boolean> => {
      setBusy(true);
      try {
        await act(...args);
        return true;
      } catch (cause) {
        toast.problem(failure, cause);
        return false;
      } finally {
        setBusy(false);
      }
    },
    [failure, act],
  );
  return [busy, run] as const;
}
